// SPDX-License-Identifier: Apache-2.0
// Media types as Postman sorts them: what kind of content, in which format, in a file of which name.
const kinds = [
    [/^(application|text)\/([\w.-]+\+)?json$/, 'text', 'json'],
    [/^(application|text)\/([\w.-]+\+)?xml$/, 'text', 'xml'],
    [/^text\/html$/, 'text', 'html'],
    [/^(application|text)\/(x-)?(java|ecma)script$/, 'text', 'script'],
    [/^(application|text)\/(x-)?yaml$/, 'text', 'yaml'],
    [/^application\/x-www-form-urlencoded$/, 'text', 'plain'],
    [/^text\//, 'text', 'plain'],
    [/^application\/pdf$/, 'embed', 'pdf'],
];
const extensions = {
    'application/gzip': 'gz', 'application/javascript': 'js', 'application/json': 'json',
    'application/octet-stream': 'bin', 'application/pdf': 'pdf', 'application/xhtml+xml': 'xhtml',
    'application/xml': 'xml', 'application/yaml': 'yaml', 'application/zip': 'zip',
    'audio/mpeg': 'mpga', 'audio/ogg': 'oga', 'audio/wav': 'wav', 'image/gif': 'gif',
    'image/jpeg': 'jpeg', 'image/png': 'png', 'image/svg+xml': 'svg', 'image/webp': 'webp',
    'text/css': 'css', 'text/csv': 'csv', 'text/html': 'html', 'text/javascript': 'js',
    'text/markdown': 'md', 'text/plain': 'txt', 'text/xml': 'xml', 'text/yaml': 'yaml',
    'video/mp4': 'mp4', 'video/mpeg': 'mpeg', 'video/webm': 'webm',
};

function kindOf(type) {
    for (const [pattern, kind, format] of kinds) {
        if (pattern.test(type)) return [kind, format];
    }
    const [kind] = type.split('/');
    if (kind === 'image' || kind === 'audio' || kind === 'video') return [kind, kind];
    return [kind === 'application' || kind === 'multipart' || kind === 'message' ? kind : 'unknown', 'raw'];
}

// The name in a Content-Disposition; filename* (RFC 6266 §4.3) goes first.
function nameOf(disposition) {
    const extended = /;\s*filename\*\s*=\s*[\w-]+'[\w-]*'([^;\s]+)/i.exec(disposition);
    try {
        if (extended) return decodeURIComponent(extended[1]);
    } catch {
        // not UTF-8: the plain one stands
    }
    const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition);
    return plain && (plain[1] !== undefined ? plain[1].replace(/\\(.)/g, '$1') : plain[2]);
}

export function contentInfo(contentType, disposition, charset) {
    const type = contentType.split(';')[0].trim().toLowerCase() || 'text/plain';
    const [mimeType, mimeFormat] = kindOf(type);
    const given = nameOf(disposition);
    const dot = given ? given.lastIndexOf('.') : -1;
    const fileExtension = dot > 0 ? given.slice(dot + 1) : extensions[type];
    const fileName = given || (fileExtension ? `response.${fileExtension}` : 'response');
    return { contentType: type, mimeType, mimeFormat, charset: (charset || 'utf8').replace(/^utf-8$/, 'utf8'), fileExtension, fileName };
}
