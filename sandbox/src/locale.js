// SPDX-License-Identifier: Apache-2.0
// Numbers, dates and the order of texts as people in the United States write them: the part of Intl
// that scripts use. Other locales are answered as en-US, as a Node without ICU's data does.
const { defineProperty } = Object;

// ---- numbers

const symbols = { USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹', CNY: 'CN¥', KRW: '₩', BRL: 'R$', CAD: 'CA$', AUD: 'A$', MXN: 'MX$' };
const withoutCents = ['JPY', 'KRW', 'VND', 'CLP', 'ISK'];

function digitsOf(value, from, to) {
    if (!(value < 1e21)) return BigInt(value).toString();
    let text = value.toFixed(to);
    for (let spare = to - from; spare > 0 && text.endsWith('0'); spare--) text = text.slice(0, -1);
    return text.endsWith('.') ? text.slice(0, -1) : text;
}

function bound(options, name, least, most, otherwise) {
    const value = options[name];
    if (value === undefined) return otherwise;
    if (!(value >= least && value <= most)) throw new RangeError(`${name} value is out of range.`);
    return Math.floor(value);
}

function numberFormat(options = {}) {
    const { style = 'decimal', currency, useGrouping = true, maximumSignificantDigits, minimumIntegerDigits = 1 } = options;
    if (style === 'currency' && currency === undefined) throw new TypeError('Currency code is required with currency style.');
    const code = String(currency).toUpperCase();
    const least = style === 'currency' && !withoutCents.includes(code) ? 2 : 0;
    const from = bound(options, 'minimumFractionDigits', 0, 100, Math.min(least, options.maximumFractionDigits ?? least));
    const to = bound(options, 'maximumFractionDigits', 0, 100, Math.max(from, style === 'decimal' ? 3 : least));
    if (from > to) throw new RangeError('maximumFractionDigits value is out of range.');

    const plain = (value) => {
        if (value === Infinity) return '∞';
        if (maximumSignificantDigits !== undefined) {
            value = Number(value.toPrecision(maximumSignificantDigits));
            return digitsOf(value, 0, 20);
        }
        return digitsOf(value, from, to);
    };
    return (given) => {
        const number = typeof given === 'bigint' ? Number(given) : given;
        if (Number.isNaN(number)) return 'NaN';
        const negative = number < 0 || Object.is(number, -0);
        const size = Math.abs(style === 'percent' ? number * 100 : number);
        const exact = typeof given === 'bigint' && style === 'decimal';
        let [whole, fraction] = (exact ? String(given).replace('-', '') : plain(size)).split('.');
        whole = whole.padStart(minimumIntegerDigits, '0');
        if (useGrouping) whole = whole.replace(/\B(?=(?:\d{3})+$)/g, ',');
        let text = fraction ? `${whole}.${fraction}` : whole;
        if (style === 'percent') text += '%';
        if (style === 'currency') text = symbols[code] ? symbols[code] + text : `${code}\u00a0${text}`;
        return negative ? `-${text}` : text;
    };
}

// ---- dates

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November',
    'December'];
const dateStyles = {
    full: { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' },
    long: { year: 'numeric', month: 'long', day: 'numeric' },
    medium: { year: 'numeric', month: 'short', day: 'numeric' },
    short: { year: '2-digit', month: 'numeric', day: 'numeric' },
};
const timeStyles = {
    full: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
    long: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
    medium: { hour: 'numeric', minute: '2-digit', second: '2-digit' },
    short: { hour: 'numeric', minute: '2-digit' },
};
const dateDefaults = { year: 'numeric', month: 'numeric', day: 'numeric' };
const timeDefaults = { hour: 'numeric', minute: '2-digit', second: '2-digit' };
const two = (n) => String(n).padStart(2, '0');
const sized = (n, how) => (how === '2-digit' ? two(n % 100) : String(n));
const named = (list, i, how) => (how === 'long' ? list[i] : how === 'narrow' ? list[i][0] : list[i].slice(0, 3));

function isUTC(zone) {
    if (zone === undefined) return false;
    if (/^(?:UTC|GMT|Etc\/(?:UTC|GMT)|Z)$/i.test(zone)) return true;
    throw new RangeError(`Invalid time zone specified: ${zone} (scripts know UTC and the zone of the machine)`);
}

// The fields that are to be shown, with Intl's defaults.
function fieldsOf(options, wanted) {
    const { dateStyle, timeStyle } = options;
    if (dateStyle || timeStyle) return { ...options, ...dateStyles[dateStyle], ...timeStyles[timeStyle] };
    const any = (names) => names.some((name) => options[name] !== undefined);
    const date = any(['weekday', 'year', 'month', 'day']), time = any(['hour', 'minute', 'second', 'fractionalSecondDigits']);
    if ((wanted !== 'time' && date) || (wanted !== 'date' && time)) return options;
    return { ...options, ...(wanted !== 'time' && dateDefaults), ...(wanted !== 'date' && timeDefaults) };
}

function dateText(f, at) {
    const { weekday, year, month, day } = f;
    const dayName = weekday && named(days, at.weekday, weekday);
    const y = year && sized(at.year, year), d = day && sized(at.day, day);
    if (!month || month === 'numeric' || month === '2-digit') {
        const parts = [month && sized(at.month + 1, month), d, y].filter(Boolean).join('/');
        return [dayName, parts].filter(Boolean).join(d && !month && !y ? ' ' : ', ');
    }
    const name = named(months, at.month, month);
    const monthDay = d ? `${name} ${d}` : name;
    return [dayName, y && !d ? `${monthDay} ${y}` : monthDay, d && y].filter(Boolean).join(', ');
}

function timeText(f, at) {
    const { hour, minute, second, hourCycle } = f;
    const is12 = f.hour12 ?? (hourCycle === undefined || hourCycle === 'h12' || hourCycle === 'h11');
    const h = is12 ? at.hour % 12 || 12 : f.hour12 === false && hourCycle === undefined && at.hour === 0 ? 24 : at.hour;
    const pad = hour === '2-digit' || !is12;
    const seconds = second && (f.fractionalSecondDigits
        ? `${two(at.second)}.${String(at.ms).padStart(3, '0').slice(0, f.fractionalSecondDigits)}` : two(at.second));
    const parts = [hour && (pad ? two(h) : String(h)), minute && (hour || second ? two(at.minute) : String(at.minute)), seconds];
    let text = parts.filter(Boolean).join(':');
    if (hour && is12) text += ` ${at.hour < 12 ? 'AM' : 'PM'}`;
    if (f.timeZoneName) text += at.utc ? ' UTC' : ` ${zoneName(at)}`;
    return text;
}

const zoneName = ({ offset }) => {
    if (!offset) return 'UTC';
    const size = Math.abs(offset), rest = size % 60;
    return `GMT${offset < 0 ? '+' : '-'}${Math.floor(size / 60)}${rest ? `:${two(rest)}` : ''}`;
};

function partsOf(date, utc) {
    const get = (name) => date[(utc ? 'getUTC' : 'get') + name]();
    return { utc, offset: date.getTimezoneOffset(), year: get('FullYear'), month: get('Month'), day: get('Date'), weekday: get('Day'),
        hour: get('Hours'), minute: get('Minutes'), second: get('Seconds'), ms: get('Milliseconds') };
}

function dateFormat(options = {}, wanted = 'date', whenAll = wanted) {
    const utc = isUTC(options.timeZone);
    const fields = fieldsOf(options, whenAll);
    const joint = /^(?:full|long)$/.test(options.dateStyle) ? ' at ' : ', ';
    return (date) => {
        if (Number.isNaN(date.getTime())) return 'Invalid Date';
        const at = partsOf(date, utc);
        const shows = (names) => names.some((name) => fields[name] !== undefined);
        const texts = [];
        if (shows(['weekday', 'year', 'month', 'day'])) texts.push(dateText(fields, at));
        if (shows(['hour', 'minute', 'second', 'timeZoneName'])) texts.push(timeText(fields, at));
        return texts.join(joint);
    };
}

// ---- texts

const marks = /[\u0300-\u036f]/g;
const rank = (c) => (/[\p{L}]/u.test(c) ? 2 : /[\p{N}]/u.test(c) ? 1 : 0);
const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function comparePlain(a, b) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
        if (a[i] !== b[i]) return order(rank(a[i]), rank(b[i])) || order(a[i], b[i]);
    }
    return order(a.length, b.length);
}

function compareNumeric(a, b) {
    const pieces = (text) => text.match(/\d+|\D+/g) ?? [];
    const [x, y] = [pieces(a), pieces(b)];
    for (let i = 0; i < Math.min(x.length, y.length); i++) {
        const numbers = /^\d/.test(x[i]) && /^\d/.test(y[i]);
        const result = numbers ? order(BigInt(x[i]), BigInt(y[i])) : comparePlain(x[i], y[i]);
        if (result) return result;
    }
    return order(x.length, y.length);
}

// By letters, then by their accents, then by case, small ones first.
function collate(options = {}) {
    const { numeric = false, sensitivity = 'variant' } = options;
    const letters = numeric ? compareNumeric : comparePlain;
    const bare = (text) => text.replace(marks, '');
    const swapped = (text) => Array.from(bare(text), (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join('');
    return (first, second) => {
        const [a, b] = [String(first).normalize('NFD'), String(second).normalize('NFD')];
        if (a === b) return 0;
        const accents = sensitivity === 'accent' || sensitivity === 'variant', cases = sensitivity === 'case' || sensitivity === 'variant';
        return letters(bare(a).toLowerCase(), bare(b).toLowerCase()) ||
            (accents ? order(a.toLowerCase(), b.toLowerCase()) : 0) || (cases ? order(swapped(a), swapped(b)) : 0);
    };
}

// ---- Intl

// A constructor that may be called without `new`, whose instances have one method and their options.
function service(name, method, make, resolved) {
    const Service = {
        [name]: function (locales, options) {
            const self = new.target ? this : Object.create(Service.prototype);
            defineProperty(self, method, { value: make(options) });
            self.resolvedOptions = () => ({ locale: 'en-US', numberingSystem: 'latn', ...resolved(), ...options });
            return self;
        },
    }[name];
    Service.supportedLocalesOf = (locales) => [].concat(locales ?? []).filter((l) => /^en\b/i.test(l));
    return Service;
}

export function makeIntl() {
    const zone = () => zoneName(partsOf(new Date(), false)).replace(/^GMT([+-])/, (_, sign) => `Etc/GMT${sign === '+' ? '-' : '+'}`);
    const dates = (options) => {
        const format = dateFormat(options, 'date', 'date');
        return (date) => {
            const at = date === undefined ? new Date() : new Date(date);
            if (Number.isNaN(at.getTime())) throw new RangeError('Invalid time value');
            return format(at);
        };
    };
    const numbers = (options) => {
        const format = numberFormat(options);
        return (value) => format(typeof value === 'bigint' ? value : Number(value));
    };
    const plurals = (options) => (n) => {
        const one = n % 10 === 1 && n % 100 !== 11, twos = n % 10 === 2 && n % 100 !== 12, few = n % 10 === 3 && n % 100 !== 13;
        if (options?.type === 'ordinal') return one ? 'one' : twos ? 'two' : few ? 'few' : 'other';
        return n === 1 ? 'one' : 'other';
    };
    return {
        NumberFormat: service('NumberFormat', 'format', numbers, () => ({ style: 'decimal' })),
        DateTimeFormat: service('DateTimeFormat', 'format', dates, () => ({ calendar: 'gregory', timeZone: zone() })),
        Collator: service('Collator', 'compare', collate, () => ({ usage: 'sort', sensitivity: 'variant' })),
        PluralRules: service('PluralRules', 'select', plurals, () => ({ type: 'cardinal' })),
        getCanonicalLocales: (locales) => [].concat(locales ?? []),
    };
}

function replace(prototype, methods) {
    for (const name of Object.keys(methods)) defineProperty(prototype, name, { value: methods[name], writable: true, configurable: true });
}

replace(Number.prototype, {
    toLocaleString(locales, options) {
        return numberFormat(options)(Number.prototype.valueOf.call(this));
    },
});
replace(Date.prototype, {
    toLocaleString(locales, options) {
        return dateFormat(options, 'all')(this);
    },
    toLocaleDateString(locales, options) {
        return dateFormat(options, 'date')(this);
    },
    toLocaleTimeString(locales, options) {
        return dateFormat(options, 'time')(this);
    },
});
replace(String.prototype, {
    localeCompare(other, locales, options) {
        return collate(options)(this, other);
    },
});
