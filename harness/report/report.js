'use strict';
/*
 * What the page gains with a script: tables that sort, strategies that can be hidden, values under the pointer. Nothing is fetched,
 * nothing is evaluated, and the page is whole without it.
 */

/* ---- tables ---- */

/* "1,204 [1,190, 1,221]" sorts by 1204; words sort as words, what has no value stands last. */
function sortKey(cell) {
  const text = cell ? cell.textContent.trim() : '';
  const number = parseFloat(text.replace(/,(?=\d{3})/g, ''));
  return text === '-' || text === '' ? null : Number.isNaN(number) ? text : number;
}

function compareKeys(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true }); /* 2 workers before 16 */
}

function sortTable(table, heading) {
  const column = heading.cellIndex, rising = heading.getAttribute('aria-sort') !== 'ascending';
  const body = table.tBodies[0];
  const rows = Array.from(body.rows).map((row) => ({ row, key: sortKey(row.cells[column]) }));
  rows.sort((a, b) => {
    const order = compareKeys(a.key, b.key);
    return rising || a.key === null || b.key === null ? order : -order;
  });
  rows.forEach((entry) => body.append(entry.row));
  for (const other of heading.parentNode.cells) other.removeAttribute('aria-sort');
  heading.setAttribute('aria-sort', rising ? 'ascending' : 'descending');
}

function makeSortable(table) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement('button');
    button.type = 'button';
    button.title = 'sort by this column';
    button.append(...heading.childNodes);
    button.addEventListener('click', () => sortTable(table, heading));
    heading.append(button);
  }
}

/* ---- charts ---- */

/* '#0072b2' and 'rgb(  0, 114, 178)' are the same colour; NULL for what is none. */
function colourKey(text) {
  const hex = /^#([0-9a-f]{6})$/i.exec(text || '');
  if (hex) return parseInt(hex[1], 16);
  const parts = /^rgb\(\s*(\d+),\s*(\d+),\s*(\d+)\s*\)$/.exec(text || '');
  return parts ? (Number(parts[1]) << 16) | (Number(parts[2]) << 8) | Number(parts[3]) : null;
}

const boxes = Array.from(document.querySelectorAll('#toggles input'));
const strategyOf = new Map(boxes.map((box) => [colourKey(box.dataset.colour), box.dataset.strategy]));

/* The strategy an element of a chart belongs to: its own colour's, or that of the group around it. */
function strategyByColour(element, chart) {
  for (let at = element; at && at !== chart; at = at.parentNode) {
    for (const attribute of ['stroke', 'fill', 'color']) {
      const strategy = strategyOf.get(colourKey(at.getAttribute(attribute)));
      if (strategy !== undefined) return strategy;
    }
  }
  return null;
}

/* A name on a chart: the strategy itself, or with its workers, load, percentile or a star behind it; "workers...of-mine" lost its middle. */
function namedStrategy(text) {
  const name = text.trim(), [head, tail] = name.split('...');
  let found = null;
  for (const { dataset: { strategy } } of boxes) {
    const whole = name.startsWith(strategy) && /^(?![-\w])/.test(name.slice(strategy.length));
    const cut = tail && head && strategy.startsWith(head) && strategy.endsWith(tail.replace(/ \*$/, ''));
    if ((whole || cut) && (!found || strategy.length > found.length)) found = strategy;
  }
  return found;
}

const marks = 'path, polygon, polyline, rect, circle, use, line, image';

function marksOf(chart) {
  return Array.from(chart.querySelectorAll(marks)).filter((element) => !element.closest('defs'));
}

/* Lines of one kind are one path to gnuplot, whosever they are: a path a line. */
function splitPaths(chart) {
  for (const path of chart.querySelectorAll('path')) {
    const lines = (path.getAttribute('d') || '').split(/(?=M)/).filter((line) => line.includes('L'));
    if (path.closest('defs') || lines.length < 2) continue;
    for (const line of lines) path.parentNode.insertBefore(path.cloneNode(), path).setAttribute('d', line);
    path.remove();
  }
}

/* Where a text is: gnuplot shifts the group around it. The baseline is a little below its middle. */
function placeOf(text) {
  const [corner] = cornersOf(text.parentNode);
  return corner ? { x: corner[0], y: corner[1] - 4 } : null;
}

function namesOn(chart) {
  return Array.from(chart.querySelectorAll('text'), (text) => ({ strategy: namedStrategy(text.textContent), ...placeOf(text) }))
    .filter((name) => name.strategy && name.x !== undefined);
}

/*
 * Parts of a picture that are one strategy's, with all that is in them: the row of a name beside an axis without figures, the bars above
 * a name below one, the panel below a name.
 */
function areasOf(chart) {
  const panels = readPanels(chart), names = namesOn(chart), units = panels.length ? panels[0].units : [];
  if (units[1] === '-' && units[0] !== '-') return rowsOf(panels[0], names);
  if (units[0] === '-' && units[1] !== '-') return groupsOf(chart, panels, names);
  return names.map(({ strategy, x, y }) => {
    const below = panels.filter((panel) => Math.abs(panel.left - x) < 3 && panel.bottom > y && panel.top > y).sort((a, b) => a.bottom - b.bottom)[0];
    return below && { strategy, left: below.left - 1, right: below.right + 1, top: y - 14, bottom: below.bottom + 1 };
  }).filter((area) => area);
}

function rowsOf(panel, names) {
  const half = (panel.bottom - panel.top) / Math.abs(panel.y[1] - panel.y[0]) / 2 + 1;
  return names.map(({ strategy, y }) => ({ strategy, left: -Infinity, right: Infinity, top: y - half, bottom: y + half }));
}

/* Bars have their strategy's colour and stand nearest to its name; what has none lies between the outermost of them. */
function groupsOf(chart, panels, names) {
  const groups = names.map((name) => ({ ...name, low: name.x, high: name.x })).sort((a, b) => a.x - b.x);
  for (const bar of coloured.get(chart)) {
    const across = cornersOf(bar).map((corner) => corner[0]), middle = (Math.min(...across) + Math.max(...across)) / 2;
    const own = groups.filter((group) => group.strategy === bar.dataset.strategy).sort((a, b) => Math.abs(a.x - middle) - Math.abs(b.x - middle))[0];
    if (!own) continue;
    own.low = Math.min(own.low, ...across);
    own.high = Math.max(own.high, ...across);
  }
  const top = Math.min(...panels.map((panel) => panel.top)) - 1, bottom = Math.max(...panels.map((panel) => panel.bottom)) + 1;
  return groups.map((group, i) => ({
    strategy: group.strategy, top, bottom,
    left: i ? (groups[i - 1].high + group.low) / 2 - 1 : panels[0].left + 1, right: i + 1 < groups.length ? (group.high + groups[i + 1].low) / 2 + 1 : panels[0].right + 1,
  }));
}

function isIn(area, corner) {
  return corner[0] >= area.left && corner[0] <= area.right && corner[1] >= area.top && corner[1] <= area.bottom;
}

/* What has a strategy's colour or name; then what lies in its area; then what points at its name. */
const coloured = new Map();

function markChart(chart) {
  splitPaths(chart);
  for (const element of marksOf(chart)) {
    const strategy = strategyByColour(element, chart);
    if (strategy) element.dataset.strategy = strategy;
  }
  coloured.set(chart, marksOf(chart).filter((element) => element.dataset.strategy));
  for (const text of chart.querySelectorAll('text')) {
    const strategy = namedStrategy(text.textContent);
    if (strategy) text.dataset.strategy = strategy;
  }
  markAreas(chart);
  markNeighbours(chart);
}

function markAreas(chart) {
  const areas = areasOf(chart);
  if (!areas.length) return;
  for (const element of [...marksOf(chart), ...chart.querySelectorAll('text')]) {
    if (element.dataset.strategy) continue;
    const place = element.tagName === 'text' ? placeOf(element) : null, corners = place ? [[place.x, place.y]] : cornersOf(element);
    const area = corners.length && areas.find((one) => corners.every((corner) => isIn(one, corner)));
    if (area) element.dataset.strategy = area.strategy;
  }
}

/* A line that leads to a name, and a mark around a point, have colours of their own. */
function markNeighbours(chart) {
  const names = namesOn(chart), points = coloured.get(chart).filter((element) => element.tagName === 'use');
  for (const element of marksOf(chart)) {
    const corners = cornersOf(element), end = corners[corners.length - 1];
    if (element.dataset.strategy || !end) continue;
    const near = (other) => Math.hypot(other[0] - end[0], other[1] - end[1]);
    const name = element.tagName === 'path' && corners.length === 2 && names.find(({ x, y }) => near([x, y]) < 10);
    const point = element.tagName === 'use' && points.find((one) => cornersOf(one).some((corner) => near(corner) < 2));
    if (name || point) element.dataset.strategy = name ? name.strategy : point.dataset.strategy;
  }
}

function isSwitchedOff(strategy) {
  return boxes.some((box) => box.dataset.strategy === strategy && !box.checked);
}

function applyToggles() {
  const hidden = new Set(boxes.filter((box) => !box.checked).map((box) => box.dataset.strategy));
  for (const row of document.querySelectorAll('tr[data-strategy]')) row.hidden = hidden.has(row.dataset.strategy);
  for (const element of document.querySelectorAll('.chart [data-strategy]'))
    element.classList.toggle('hidden', hidden.has(element.dataset.strategy));
}

/* ---- values under the pointer ---- */

/*
 * A line of data-axes is one panel: left, right, bottom, top in units of the picture; the values there, x then y; whether x and y are
 * logarithmic; what x and y are, "-" for an axis without figures ("1/(1-p)" is shown as a percentile).
 */
function readPanels(chart) {
  return (chart.dataset.axes || '').split('\n').filter((line) => line).map((line) => {
    const words = line.trim().split('|'), n = words.slice(0, 10).map(Number);
    return { left: n[0], right: n[1], bottom: n[2], top: n[3], x: [n[4], n[5]], y: [n[6], n[7]], logs: [n[8], n[9]], units: words.slice(10) };
  });
}

function valueAt(part, [from, to], logarithmic) {
  return logarithmic ? from * Math.pow(to / from, part) : from + (to - from) * part;
}

function figureText(value, unit) {
  if (unit === undefined || unit === '-') return '';
  if (unit === '1/(1-p)') return 'p' + Number((100 - 100 / value).toPrecision(4));
  const text = Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
  return unit ? text + ' ' + unit : text;
}

/* A line of data-heat is one panel: its name, then rows of counts from the bottom; nothing where nobody was answered. */
function readGrids(chart) {
  return (chart.dataset.heat || '').split('\n').filter((line) => line).map((line) => {
    const cut = line.lastIndexOf('|');
    return { name: line.slice(0, cut), rows: line.slice(cut + 1).split(';').map((row) => row.split(',')) };
  });
}

/* "shared: 0.4 to 0.5 s, 1 to 1.26 ms: 20 responses in 100 ms": the place of the grid that the pointer is in; NULL outside. */
function describeHeat(panels, grids, x, y) {
  const index = panels.findIndex((p) => x >= p.left && x < p.right && y > p.top && y <= p.bottom);
  if (index < 0 || !grids[index]) return null;
  const panel = panels[index], { name, rows } = grids[index], columns = rows[0].length;
  const column = Math.floor((x - panel.left) / (panel.right - panel.left) * columns);
  const row = Math.floor((panel.bottom - y) / (panel.bottom - panel.top) * rows.length);
  const range = (at, count, ends, text) => `${text(valueAt(at / count, ends, 0))} to ${text(valueAt((at + 1) / count, ends, 0))}`;
  const count = Number(rows[row][column]), said = count ? `${figureText(count, '')} response${count === 1 ? '' : 's'}` : 'no response';
  return `${name}: ${range(column, columns, panel.x, (s) => figureText(s, ''))} s, ` +
    `${range(row, rows.length, panel.y, (level) => figureText(Math.pow(10, level), ''))} ms: ${said} in 100 ms`;
}

/* Corners of a path, polygon or marker, in the units of the picture. */
function cornersOf(element) {
  const shift = /translate\(\s*([-\d.]+)[ ,]+([-\d.]+)/.exec(element.getAttribute('transform') || '');
  if (['use', 'circle', 'g'].includes(element.tagName)) return shift ? [[Number(shift[1]), Number(shift[2])]] : [];
  const numbers = (element.getAttribute('d') || element.getAttribute('points') || '').match(/-?\d+(\.\d+)?/g) || [];
  const relative = /[a-y]/.test(element.getAttribute('d') || '');
  const corners = [];
  for (let i = 0; !relative && i + 1 < numbers.length; i += 2) corners.push([Number(numbers[i]), Number(numbers[i + 1])]);
  return corners;
}

/* Samples of lines in a key look like data: a key's names are texts within a plot, the samples to their left. */
function isInKey(keys, corner) {
  return keys.some(({ x, y }) => Math.abs(corner[1] - y) < 7 && corner[0] < x && corner[0] > x - 60);
}

/* The corners that mean a value: within the axes, of a bar those at its end. */
function valueCorners(element, panels) {
  const corners = cornersOf(element), panel = corners.length && panelAt(panels, corners[corners.length - 1]);
  const inside = corners.filter((corner) => panelAt(panels, corner));
  if (!panel || element.tagName !== 'polygon') return inside;
  if (panel.units[0] === '-') return inside.filter((corner) => corner[1] <= Math.min(...inside.map((one) => one[1])));
  if (panel.units[1] === '-') return inside.filter((corner) => corner[0] >= Math.max(...inside.map((one) => one[0])));
  return inside;
}

function readCorners(chart, panels) {
  const keys = Array.from(chart.querySelectorAll('.plot text')).filter((text) => namedStrategy(text.textContent)).map(placeOf).filter((place) => place);
  const corners = [];
  for (const element of coloured.get(chart)) {
    if (element.classList.contains('hidden')) continue;
    for (const corner of valueCorners(element, panels))
      if (!isInKey(keys, corner)) corners.push({ at: corner, strategy: element.dataset.strategy });
  }
  return corners;
}

function panelAt(panels, [x, y]) {
  return panels.find((p) => x >= p.left - 1 && x <= p.right + 1 && y >= p.top - 1 && y <= p.bottom + 1);
}

function nearest(corners, x, y, reach) {
  let best = null, least = reach * reach;
  for (const corner of corners) {
    const distance = (corner.at[0] - x) ** 2 + (corner.at[1] - y) ** 2;
    if (distance < least) { least = distance; best = corner; }
  }
  return best;
}

function describe(panels, corner) {
  const [x, y] = corner.at;
  const panel = panelAt(panels, corner.at);
  const across = valueAt((x - panel.left) / (panel.right - panel.left), panel.x, panel.logs[0]);
  const up = valueAt((panel.bottom - y) / (panel.bottom - panel.top), panel.y, panel.logs[1]);
  const figures = [figureText(across, panel.units[0]), figureText(up, panel.units[1])].filter((text) => text);
  return corner.strategy + (figures.length ? ': ' + figures.join(', ') : '');
}

/* What there is to say of a point of the picture, and where to say it; NULL for nothing. */
function valueNear(chart, panels, grids, x, y) {
  if (grids.length) {
    const text = describeHeat(panels, grids.map((grid) => isSwitchedOff(namedStrategy(grid.name)) ? null : grid), x, y);
    return text && { text, at: [x, y] };
  }
  const corner = nearest(readCorners(chart, panels), x, y, 20);
  return corner && { text: describe(panels, corner), at: corner.at };
}

function makeHover(chart) {
  const frame = chart.parentNode, panels = readPanels(chart), grids = readGrids(chart), label = document.createElement('div');
  label.className = 'value';
  label.hidden = true;
  label.setAttribute('aria-hidden', 'true');
  frame.append(label);
  chart.addEventListener('pointermove', (event) => {
    const box = chart.getBoundingClientRect(), view = chart.viewBox.baseVal, scale = view.width / box.width;
    const value = valueNear(chart, panels, grids, (event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
    label.hidden = !value;
    if (!value) return;
    label.textContent = value.text;
    const left = value.at[0] / scale + 10, top = value.at[1] / scale - 30;
    label.style.left = Math.max(0, Math.min(left, box.width - label.offsetWidth - 4)) + 'px';
    label.style.top = Math.max(0, top) + 'px';
  });
  chart.addEventListener('pointerleave', () => { label.hidden = true; });
}

/* ---- all of it ---- */

document.querySelectorAll('table[data-sortable]').forEach(makeSortable);
const charts = Array.from(document.querySelectorAll('.chart > svg'));
charts.forEach(markChart);
charts.forEach(makeHover);
boxes.forEach((box) => box.addEventListener('change', applyToggles));
/* On paper everything is open. */
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((part) => { part.open = true; }));
if (boxes.length > 1) {
  document.getElementById('toggles').hidden = false;
  applyToggles(); /* a browser may keep boxes as they were */
}
