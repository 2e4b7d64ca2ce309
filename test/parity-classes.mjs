// SPDX-License-Identifier: Apache-2.0
// The classes of differences from newman that are meant to be; doc/parity.md says why, by these names.

const isText = (...values) => values.every((v) => typeof v === 'string');
// Alike once what the pattern finds is gone from both.
const alikeBut = (pattern) => ({ newman, gatepost }) => isText(newman, gatepost) && newman.replace(pattern, '') === gatepost.replace(pattern, '');
const areNumbers = (...values) => values.every((v) => /^[st] (\d+|\{"body":\d+,"header".*\})$|^expected \d+ to be above/.test(v)); // of sizes
const isError = /^\/executions\/\d+\/errors\/\d+$/;
const isFailedCount = /^\/stats\/\d+\/2$/;

const classes = {
  'thrown text and null': ({ path, newman, gatepost }, { scripts }) => /throw '|throw null/.test(scripts)
    && ((isError.test(path) && newman === undefined && gatepost === 'Error') || (isFailedCount.test(path) && gatepost > newman)),
  'sentences about a status': alikeBut(/\\?"detail\\?":\\?"[^"]*"/g),
  'words of a JSONError': ({ newman, gatepost }) => isText(newman, gatepost) && [newman, gatepost].every((m) => /JSONError|valid json but got error|is not valid JSON|, empty input at/.test(m)),
  'hawk hashes what is sent': ({ newman, gatepost }, { scripts }) => /"hawk"/.test(scripts)
    && (alikeBut(/hash=\\*"[^"]*", |mac=\\*"[^"]*"/g)({ newman, gatepost }) || areNumbers(newman, gatepost)),
  'oauth1 signs what is sent': ({ newman, gatepost }, { scripts }) => /"oauth1"/.test(scripts)
    && (alikeBut(/[&,]oauth_(signature|body_hash)=(\\*"[^"]*"|[^&"]*)|%26|%3D|[&=]/g)({ newman, gatepost }) || areNumbers(newman, gatepost)),
  'oauth1 that newman leaves unsigned': ({ newman, gatepost }, { scripts }) => /"oauth1"/.test(scripts) && isText(newman, gatepost) && !/oauth_signature=/.test(newman)
    && (/oauth_signature=/.test(gatepost) || /\?.*%(?![0-9A-F]{2})/.test(newman)),
  'toString of a list without text': ({ newman, gatepost }) => isText(newman, gatepost) && /^[st] RangeError$/.test(newman) && /^[st] "/.test(gatepost),
  'getPath(true) without a path': ({ newman, gatepost }) => isText(newman, gatepost) && /^[st] TypeError$/.test(newman) && /^[st] "\/"$/.test(gatepost),
  'digest hashes what is sent': (difference, { scripts }) => /"auth-int"/.test(scripts) && alikeBut(/response=\\*"[0-9a-f]*/g)(difference),
  'text of no response': ({ newman, gatepost }) => newman === 'sent undefined' && gatepost === 'sent ',
  'order of Cookie and Content-Length': ({ newman, gatepost }) => isText(newman, gatepost) && /content-length/i.test(newman) && /cookie/i.test(newman)
    && [newman, gatepost].map((v) => v.split(/[,{}]/).sort().join()).reduce((a, b) => a === b),
  'a file that cannot be read': alikeBut(/,?\\?"value\\?":null/g),
};

/** The name of the first class that knows the difference; undefined: nobody does. */
export const classOf = (difference, given) => Object.keys(classes).find((name) => classes[name](difference, given));
