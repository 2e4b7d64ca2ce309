module.exports = require('moment/dist/moment.js').default;
