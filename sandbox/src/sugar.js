// SPDX-License-Identifier: Apache-2.0
// SugarJS, which Postman's sandbox extends the natives with. It is loaded when a script reads one of
// its methods for the first time; until then getters stand for them.
import { modules } from './modules.js';

const { defineProperty, getOwnPropertyDescriptor } = Object;

const units = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond'];
const capital = (word) => word[0].toUpperCase() + word.slice(1);
const words = (text) => text.split(' ');

function ofNumbers() {
    const of = (unit) => ['', 'Before', 'Ago', 'After', 'FromNow'].flatMap((end) => [unit + end, `${unit}s${end}`]);
    return [...units.flatMap(of), ...words('duration log abbr metric bytes isInteger isOdd isEven isMultipleOf format hex ' +
        'upto downto times chr pad ordinalize toNumber round floor ceil abs pow sin asin cos acos tan atan exp sqrt')];
}

function ofDates() {
    const since = (unit) => ['Ago', 'Until', 'Since', 'FromNow'].map((end) => `${unit}s${end}`);
    const near = ['Year', 'Month', 'Week'].flatMap((unit) => [`isLast${unit}`, `isThis${unit}`, `isNext${unit}`]);
    const edges = ['Year', 'Month', 'Week', 'Day'].flatMap((unit) => [`beginningOf${unit}`, `endOf${unit}`]);
    const is = words('today yesterday tomorrow weekday weekend future past sunday monday tuesday wednesday thursday friday ' +
        'saturday january february march april may june july august september october november december');
    return [...units.flatMap(since), ...units.map((unit) => `add${capital(unit)}s`), ...near, ...edges,
        ...is.map((day) => `is${capital(day)}`), ...words('set setWeekday setISOWeek getISOWeek getUTCOffset utc isUTC advance ' +
        'rewind isValid isAfter isBefore isBetween isLeapYear daysInMonth format relative is reset clone iso getWeekday ' +
        'getUTCWeekday short long full')];
}

function ofStrings() {
    const scripts = words('Arabic Cyrillic Devanagari Greek Hangul Han Kanji Hebrew Hiragana Kana Katakana Latin Thai');
    return [...scripts.flatMap((name) => [`is${name}`, `has${name}`]), ...words('escapeRegExp escapeURL unescapeURL escapeHTML ' +
        'unescapeHTML encodeBase64 decodeBase64 each shift codes chars words lines paragraphs isBlank has add remove reverse ' +
        'compact from to dasherize underscore camelize spacify stripTags removeTags truncate pad padLeft padRight first last ' +
        'toNumber capitalize assign insert pluralize singularize humanize titleize parameterize hankaku zenkaku hiragana ' +
        'katakana')];
}

const common = ['SugarMethods', 'extend', 'sugarRestore', 'sugarRevert'];
// Constructor → what Sugar adds to it, and to its prototype.
const added = {
    Object: [[...common, ...words('map reduce each size any all none count find findAll isEmpty sum average min max least ' +
        'most watch isObject isNaN equal extended merge clone fromQueryString toQueryString tap has select reject isArray ' +
        'isBoolean isDate isFunction isNumber isString isRegExp')], []],
    Array: [[...common, 'create'], words('findAll count removeAt include exclude clone unique flatten union intersect subtract ' +
        'first last from to min max least most sum average inGroups inGroupsOf isEmpty sortBy randomize zip sample each add ' +
        'remove compact groupBy none all any insert')],
    String: [[...common, 'Inflector'], ofStrings()],
    Number: [[...common, 'random'], ofNumbers()],
    Function: [common, words('lazy delay throttle debounce cancel after once fill')],
    Date: [[...common, ...words('create past future addLocale setLocale getLocale addFormat utc RFC1123 RFC1036 ISO8601_DATE ' +
        'ISO8601_DATETIME range')], ofDates()],
    RegExp: [[...common, 'escape'], words('getFlags setFlags addFlag removeFlag')],
    Boolean: [common, []],
};

const waiting = []; // [object, name, getter]
let loading = false;

// What a script has replaced meanwhile stays its own.
export function loadSugar() {
    if (loading) return;
    loading = true;
    for (const [object, name, get] of waiting) {
        if (getOwnPropertyDescriptor(object, name)?.get === get) delete object[name];
    }
    modules.extend('sugar');
}

function wait(object, name) {
    if (name in object) return;
    const get = function () {
        loadSugar();
        return Reflect.get(object, name, this);
    };
    const set = function (value) {
        defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true });
    };
    defineProperty(object, name, { get, set, configurable: true });
    waiting.push([object, name, get]);
}

// A native that Sugar lets take more than a function: it must be there when the script begins.
const matching = /\.(?:map|filter|every|some)\(\s*(?:['"`/{[\d]|null|true|false)/;
export const needsSugar = (source) => matching.test(source);

export function offerSugar(global) {
    for (const kind of Object.keys(added)) {
        for (const name of added[kind][0]) wait(global[kind], name);
        for (const name of added[kind][1]) wait(global[kind].prototype, name);
    }
}
