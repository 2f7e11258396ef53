/*
 * Does report.html work? node report_page.mjs CHROMIUM REPORT.html: what a reader with a browser gets, by pointer, by keyboard, in
 * light and dark, with the script and without. Ends with 0, or 1 and the first fault in a line.
 */
import { pathToFileURL } from 'node:url';
import { Browser } from './browser.mjs';

const DEADLINE_MS = 40000;
const [program, report] = process.argv.slice(2), url = pathToFileURL(report).href;
const browser = new Browser(program);

function expect(holds, what) {
  if (!holds) throw new Error(what);
}

/* ---- run inside the page ---- */

/* Figures without a box or an alternative, tables without caption or scope, headings out of order, controls without a name. */
function flaws() {
  const found = [];
  for (const figure of document.querySelectorAll('figure')) {
    const picture = figure.querySelector('svg, img'), box = picture?.getBoundingClientRect();
    if (!box || box.width < 100 || box.height < 100 || (picture.tagName === 'IMG' && !picture.naturalWidth)) found.push(`${figure.id} shows nothing`);
    else if (picture.tagName === 'svg' && !picture.querySelector('.plot path, .plot polygon, .plot use, .plot image')) found.push(`${figure.id} has no data`);
    const label = picture?.getAttribute('aria-label') ?? picture?.getAttribute('alt') ?? '';
    if (label.length < 40) found.push(`${figure.id} has no alternative`);
    if (label.length > 300) found.push(`${figure.id} has an alternative of ${label.length} characters`);
    const ids = ['aria-describedby', 'aria-details'].flatMap((name) => picture?.getAttribute(name)?.split(' ') ?? []);
    if (!ids.length || ids.some((id) => !document.getElementById(id)?.textContent.trim())) found.push(`${figure.id} leads to no words (${ids})`);
  }
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption?.textContent) found.push('a table without a caption');
    if (table.querySelector('th:not([scope])')) found.push(`'${table.caption?.textContent}': a heading without a scope`);
    if (table.tBodies[0].querySelector('tr:not(:has(th[scope=row]))')) found.push(`'${table.caption?.textContent}': a row without a head`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    if (Number(heading.tagName[1]) > level + 1) found.push(`heading '${heading.textContent}' skips a level`);
    level = Number(heading.tagName[1]);
  }
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) found.push('the page is wider than the window');
  return found;
}

/* Texts (outside of pictures) whose contrast is below 4.5 (WCAG 2.2, 1.4.3). */
function pale() {
  const parse = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *:not(svg *):not(script)')) {
    if (!Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim()) || !element.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(paper(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(`${element.tagName} '${element.textContent.trim().slice(0, 40)}' ${((a + 0.05) / (b + 0.05)).toFixed(1)}`);
  }
  return found;
}

/* The table of an experiment with most rows. */
function largest() {
  return Array.from(document.querySelectorAll('section.experiment table[data-sortable]')).reduce((a, b) => b.tBodies[0].rows.length > a.tBodies[0].rows.length ? b : a);
}

/* Names with numbers in a column sort by them. */
function sortNames() {
  const key = (text) => ({ textContent: text });
  return ['b-16', 'b-2', 'b-1', 'b-32'].sort((a, b) => compareKeys(sortKey(key(a)), sortKey(key(b)))).join(' ');
}

/* Known texts in a column of it; then its heading has the focus. */
function plant(texts) {
  const table = largest();
  Array.from(table.tBodies[0].rows).forEach((row, i) => { row.cells[2].textContent = texts[i % texts.length]; });
  table.tHead.querySelectorAll('button')[2].focus();
}

function column() {
  const heading = document.activeElement.closest('th');
  return { sort: heading.getAttribute('aria-sort'), texts: Array.from(heading.closest('table').tBodies[0].rows, (row) => row.cells[heading.cellIndex].textContent) };
}

/* The corner of the first bar of a chart, in the window: its value's end or its foot. */
function cornerOf(figure, place) {
  const mark = document.querySelector(`#chart-${figure} .plot polygon[data-strategy]:not([fill*="212, 212, 212"])`);
  mark.scrollIntoView({ block: 'center' });
  const at = mark.getBoundingClientRect();
  return { x: place === 'left' ? at.left + 1 : at.right - 1, y: place === 'bottom' ? at.bottom - 1 : at.top + 1 };
}

/* The middle of the key's first sample, which stands to the left of its name. */
function sampleOf(figure) {
  const name = document.querySelector(`#chart-${figure} .plot text[data-strategy]`);
  name.scrollIntoView({ block: 'center' });
  const at = name.getBoundingClientRect();
  return { x: at.left - 14, y: (at.top + at.bottom) / 2 };
}

/*
 * What is still to be seen of anybody in charts when all are switched off: names; figures and words within axes, beside rows and above
 * panels; bars, curves, points and grids of heat. What is for all of them may stay: theory, the even share, chance, what they are held to.
 */
function orphans() {
  const names = Array.from(document.querySelectorAll('#toggles input'), (box) => box.dataset.strategy), found = [];
  const common = /^(one worker gets all|generator in doubt|M\/|Jain index of|[\d.]+: one worker gets all)|(less|more) is better$/;
  for (const chart of document.querySelectorAll('.chart > svg')) {
    const figure = chart.closest('figure').id, panels = (chart.dataset.axes || '').split('\n').filter((line) => line.trim()).map((line) => line.trim().split('|'));
    const box = chart.getBoundingClientRect(), scale = chart.viewBox.baseVal.width / box.width;
    const seen = (element) => element.getClientRects().length && !element.closest('defs');
    const within = (x, y, margin) => panels.some(([left, right, bottom, top]) => x > +left + 2 && x < +right - 2 && y > +top - margin && y < +bottom - 2);
    const rows = panels.length && panels[0][11] === '-' && panels[0][10] !== '-';
    for (const text of chart.querySelectorAll('text')) {
      const words = text.textContent.trim(), at = text.getBoundingClientRect();
      if (!seen(text) || !words || common.test(words)) continue;
      const x = ((at.left + at.right) / 2 - box.left) * scale, y = ((at.top + at.bottom) / 2 - box.top) * scale;
      if (names.some((name) => words.startsWith(name + ' ') || words === name)) found.push(`${figure}: the name '${words}'`);
      else if (within(x, y, 0) || (rows && x > +panels[0][1] && y > +panels[0][3] && y < +panels[0][2])) found.push(`${figure}: '${words}'`);
    }
    const own = figure.includes('-lorenz') ? '.plot use' : figure.includes('-scaling') || figure.includes('forest') ? '.plot polygon, .plot use' : '.plot polygon, .plot use, .plot path';
    for (const mark of chart.querySelectorAll(own)) {
      const at = mark.getBoundingClientRect();
      const wide = mark.tagName === 'path' && at.width * scale > 300;
      if (seen(mark) && !wide && (at.width || at.height)) found.push(`${figure}: a ${mark.tagName} ${mark.getAttribute('d') ?? mark.getAttribute('points') ?? ''}`);
    }
  }
  return found;
}

const call = (f) => browser.ask(`(${f})()`);

/* ---- checks ---- */

async function checkPage() {
  await browser.go(url);
  for (const width of [1280, 800, 360]) {
    await browser.send('Emulation.setDeviceMetricsOverride', { width, height: 800, deviceScaleFactor: 1, mobile: false });
    const found = await call(flaws);
    expect(!found.length, `at ${width} pixels: ${found.join('; ')}`);
  }
  expect(await browser.ask("document.querySelectorAll('figure').length") > 0, 'no figure at all');
  for (const value of ['light', 'dark']) {
    await browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] });
    const found = await call(pale);
    expect(!found.length, `pale in ${value}: ${found.join('; ')}`);
  }
  const dark = await browser.ask('getComputedStyle(document.body).backgroundColor');
  expect(dark !== 'rgb(255, 255, 255)', 'dark is light');
}

/* By keyboard alone: the first key leads to the skip link, a heading's button sorts, and again the other way round. */
async function checkSorting() {
  await browser.send('Emulation.setDeviceMetricsOverride', { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false });
  await browser.key('Tab', 9);
  expect(await browser.ask("document.activeElement.className") === 'skip', 'the first stop is not the skip link');
  const rows = await browser.ask(`(${largest})().tBodies[0].rows.length`);
  const planted = ['900 [1, 2]', '-', '1,204 [1,190, 9,221]', '77.5'].slice(0, rows), number = (text) => parseFloat(text.replace(',', ''));
  expect(rows >= 3, 'the table is too short to be sorted');
  await browser.ask(`${largest}; (${plant})(${JSON.stringify(planted)})`);
  expect(await browser.ask("getComputedStyle(document.activeElement).outlineStyle") !== 'none', 'the focus cannot be seen');
  for (const [sort, sign] of [['ascending', 1], ['descending', -1]]) {
    await browser.key('Enter', 13);
    const now = await call(column), values = now.texts.filter((text) => text !== '-').map(number);
    expect(now.sort === sort, `aria-sort is ${now.sort}, not ${sort}`);
    expect(values.every((v, i) => !i || sign * (v - values[i - 1]) >= 0), `not ${sort}: ${now.texts.join('; ')}`);
    expect(now.texts.at(-1) === '-', 'what has no value does not stand last');
  }
}

const shown = (name) => browser.ask(`['tr', '.chart .plot *'].map((where) => Array.from(document.querySelectorAll(where + '[data-strategy="${name}"]')).filter((e) => e.getClientRects().length).length)`);

async function checkToggles() {
  const name = await browser.ask("document.querySelector('#toggles input').dataset.strategy");
  const before = await shown(name);
  expect(before[0] > 0 && before[1] > 0, `${name} has ${before[0]} rows and ${before[1]} marks`);
  await browser.ask("document.querySelector('#toggles input').focus()");
  await browser.key(' ', 32);
  expect(String(await shown(name)) === '0,0', `${name} is switched off and still shown: ${await shown(name)}`);
  await browser.ask("document.querySelector('#toggles input').click()");
  expect(String(await shown(name)) === String(before), `${name} does not come back`);
}

async function checkOrphans() {
  await browser.ask("document.querySelectorAll('#toggles input').forEach((box) => box.click())");
  const found = await call(orphans);
  expect(!found.length, `all are switched off, and still there is ${found.slice(0, 5).join('; ')}`);
  await browser.send('Emulation.setEmulatedMedia', { media: 'print' });
  expect(await browser.ask("Array.from(document.querySelectorAll('[data-strategy]')).every((e) => e.tagName === 'INPUT' || e.getClientRects().length)"), 'what is switched off is missing on paper');
  await browser.send('Emulation.setEmulatedMedia', { media: '' });
  await browser.ask("document.querySelectorAll('#toggles input').forEach((box) => box.click())");
}

async function valueAt({ x, y }) {
  await browser.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y });
  return browser.ask("Array.from(document.querySelectorAll('.value:not([hidden])'), (e) => e.textContent).join()");
}

/* At the end of a bar its value, at its foot none; a sample of a line in the key has no value. */
async function checkValues() {
  for (const [figure, end, foot] of [['cost-cost', 'right', 'left'], ['cost-shares', 'right', 'bottom']]) {
    const value = await valueAt(await browser.ask(`(${cornerOf})('${figure}', '${end}')`));
    expect(/^[-\w]+: .*[1-9]/.test(value), `the value at a bar's end in ${figure} is '${value}'`);
    const none = await valueAt(await browser.ask(`(${cornerOf})('${figure}', '${foot}')`));
    expect(!/: 0( |$)/.test(none), `the value at a bar's foot in ${figure} is '${none}'`);
  }
  const sample = await valueAt(await browser.ask(`(${sampleOf})('load-lorenz-100ps')`));
  expect(sample === '', `a sample in the key says '${sample}'`);
}

async function checkNames() {
  const names = await call(sortNames);
  expect(names === 'b-1 b-2 b-16 b-32', `names are sorted ${names}`);
}

/* A heat map has figures where somebody was answered, says so where nobody was, and hides a strategy's with the strategy. */
async function checkHeat() {
  const figure = "document.querySelector('svg[data-heat]')";
  const { x, y, width, height } = await browser.ask(`${figure}.scrollIntoView({ block: 'center' }); (({ x, y, width, height }) => ({ x, y, width, height }))(${figure}.getBoundingClientRect())`);
  const panel = await browser.ask(`${figure}.dataset.axes.split('\\n')[0].split('|').slice(0, 4).map(Number)`);
  const [wide, high] = await browser.ask(`[${figure}.viewBox.baseVal.width, ${figure}.viewBox.baseVal.height]`);
  const point = async (across, up) => {
    const at = [panel[0] + (panel[1] - panel[0]) * across, panel[2] + (panel[3] - panel[2]) * up];
    await browser.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x: x + at[0] / wide * width, y: y + at[1] / high * height });
    return browser.ask("Array.from(document.querySelectorAll('.value:not([hidden])'), (e) => e.textContent).join()");
  };
  const lowest = await point(0.1, 0.01), middle = await point(0.4, 0.5), outside = await point(-0.1, 0.5);
  expect(lowest === 'even: 0 to 0.1 s, 1 to 1.26 ms: 10 responses in 100 ms', `the value in the lowest place is '${lowest}'`);
  expect(/^even: 0.1 to 0.2 s, [\d.]+ to [\d.]+ ms: no response in 100 ms$/.test(middle), `the value in the middle is '${middle}'`);
  expect(outside === '', `beside the panel there is '${outside}'`);
  const places = "Array.from(document.querySelectorAll('svg[data-heat] .plot polygon[data-strategy=even]')).filter((e) => e.getClientRects().length).length";
  expect(await browser.ask(places) === 2, `even has ${await browser.ask(places)} places in the heat map`);
}

/* What the printer gets: no controls, nothing scrolled away. */
async function checkPrint() {
  await browser.send('Emulation.setEmulatedMedia', { media: 'print' });
  expect(await browser.ask("!document.querySelector('#toggles').getClientRects().length"), 'controls are printed');
  expect(await browser.ask("Array.from(document.querySelectorAll('.scroll')).every((e) => getComputedStyle(e).overflowX === 'visible')"), 'a printed table is cut');
  await browser.send('Emulation.setEmulatedMedia', { media: '' });
}

/* Nothing may be evaluated in a page without scripts: it is looked at from outside. */
async function checkWithoutScript() {
  await browser.send('Emulation.setScriptExecutionDisabled', { value: true });
  await browser.go(url);
  const { root } = await browser.send('DOM.getDocument');
  const find = async (selector) => (await browser.send('DOM.querySelectorAll', { nodeId: root.nodeId, selector })).nodeIds;
  const box = async (nodeId) => browser.send('DOM.getBoxModel', { nodeId }).then(({ model }) => model, () => null);
  const pictures = await find('figure svg[role=img], figure img');
  expect(pictures.length > 0, 'no figure without the script');
  for (const picture of pictures) expect((await box(picture))?.width > 100, 'a figure needs the script');
  for (const table of await find('table')) expect(await box(table), 'a table needs the script');
  for (const toggles of await find('#toggles, thead button')) expect(!(await box(toggles)), 'controls that do nothing are shown');
}

async function all() {
  await browser.open();
  await checkPage();
  await checkSorting();
  await checkNames();
  await checkToggles();
  await checkOrphans();
  await checkValues();
  await checkHeat();
  await checkPrint();
  await checkWithoutScript();
  expect(!browser.complaints().length, `the console says: ${browser.complaints().join('; ')}`);
  const others = browser.fetched().filter((address) => address !== url && !address.startsWith('data:'));
  expect(!others.length, `fetched: ${others.join(' ')}`);
}

const late = new Promise((_, reject) => setTimeout(() => reject(new Error('not done in time')), DEADLINE_MS).unref());
const gone = browser.ended.then(() => { throw new Error(`${program} ended`); });
gone.catch(() => {});
const fault = await Promise.race([all(), late, gone]).then(() => null, (error) => error);
await browser.end();
if (fault) console.error(fault.message);
process.exitCode = fault ? 1 : 0;
