module.exports = require('node-punycode');
