/*
 * Is report.html well-formed? node report_markup.mjs REPORT.html: tags balanced, ids unique, links inside the page lead somewhere, and
 * nothing in it that its policy would refuse or that would have to be fetched. Says each fault in a line and ends with 1.
 */
import { readFileSync } from 'node:fs';

const empty = new Set(['meta', 'br', 'img', 'input', 'hr', 'link', 'wbr']);
const text = readFileSync(process.argv[2], 'utf8');
const faults = [], open = [], ids = new Set(), links = [];
const fault = (at, what) => faults.push(`line ${text.slice(0, at).split('\n').length}: ${what}`);

function attributes(words, at) {
  for (const [, name, , quoted, single] of words.matchAll(/([^\s"'<>/=]+)\s*(=\s*(?:"([^"]*)"|'([^']*)'))?/g)) {
    const value = quoted ?? single ?? '';
    if (name === 'id') ids.has(value) ? fault(at, `id '${value}' stands twice`) : ids.add(value);
    if (name === 'style' || /^on/.test(name)) fault(at, `attribute ${name}: the policy refuses it`);
    if (/^(xlink:)?href$/.test(name)) value.startsWith('#') ? links.push([at, value.slice(1)]) : fault(at, `link to ${value}`);
    if (/^(src|action|data|srcset|poster)$/.test(name) && !value.startsWith('data:')) fault(at, `${name} ${value} would be fetched`);
    for (const [, target] of value.matchAll(/url\(#([^)]*)\)/g)) links.push([at, target]);
  }
}

const token = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<!doctype[^>]*>|<(script|style)\b([^>]*)>[\s\S]*?<\/\1>|<(\/?)([a-zA-Z][-\w:]*)((?:"[^"]*"|'[^']*'|[^'"<>])*)>|</gi;
for (const match of text.matchAll(token)) {
  const [whole, raw, , closing, name, words] = match, at = match.index;
  if (raw || whole.startsWith('<!')) continue;
  if (!name) { fault(at, 'a < that begins no tag'); continue; }
  if (closing) {
    if (open.at(-1) !== name) fault(at, `</${name}> closes <${open.at(-1) ?? 'nothing'}>`);
    open.pop();
    continue;
  }
  attributes(words.replace(/\/$/, ''), at);
  if (!empty.has(name) && !words.endsWith('/')) open.push(name);
}
if (open.length) fault(text.length, `never closed: ${open.join(', ')}`);
for (const [at, id] of links) if (!ids.has(id)) fault(at, `#${id} is nowhere`);
for (const name of ['html', 'head', 'body', 'header', 'nav', 'main', 'h1'])
  if ((text.match(new RegExp(`<${name}[\\s>]`, 'g')) ?? []).length !== 1) fault(0, `<${name}> should stand once`);
if (!/^<!DOCTYPE html>\n<html lang="en">/.test(text)) fault(0, 'no doctype or language');
if (!/<meta http-equiv="Content-Security-Policy" content="default-src 'none';/.test(text)) fault(0, 'no policy');
faults.forEach((line) => console.error(line));
process.exit(faults.length ? 1 : 0);
