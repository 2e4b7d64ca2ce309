require('sugar');
