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
  return String(a).localeCompare(String(b));
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
function markStrategy(element, chart) {
  for (let at = element; at && at !== chart; at = at.parentNode) {
    for (const attribute of ['stroke', 'fill', 'color']) {
      const strategy = strategyOf.get(colourKey(at.getAttribute(attribute)));
      if (strategy !== undefined) return strategy;
    }
  }
  return null;
}

/* A name on a chart: the strategy itself, or with its workers, load, percentile or a star behind it. */
function namedStrategy(text) {
  const name = text.trim();
  let found = null;
  for (const box of boxes) {
    const strategy = box.dataset.strategy;
    if (name.startsWith(strategy) && /^(?![-\w])/.test(name.slice(strategy.length)) && (!found || strategy.length > found.length))
      found = strategy;
  }
  return found;
}

/* What lies in a panel of a heat map is of the strategy that the panel is named after. */
function markHeat(chart) {
  const panels = readPanels(chart), grids = readGrids(chart);
  if (!grids.length) return;
  for (const element of chart.querySelectorAll('.plot polygon, .plot use')) {
    const [corner] = cornersOf(element);
    const index = corner ? panels.findIndex((p) => corner[0] >= p.left - 5 && corner[0] < p.right && corner[1] > p.top - 5 && corner[1] <= p.bottom + 5) : -1;
    const strategy = index >= 0 && grids[index] ? namedStrategy(grids[index].name) : null;
    if (strategy) element.dataset.strategy = strategy;
  }
}

function markChart(chart) {
  for (const element of chart.querySelectorAll('.plot path, .plot polygon, .plot polyline, .plot rect, .plot circle, .plot use, .plot line')) {
    const strategy = markStrategy(element, chart);
    if (strategy) element.dataset.strategy = strategy;
  }
  for (const text of chart.querySelectorAll('text')) {
    const strategy = namedStrategy(text.textContent);
    if (strategy) text.dataset.strategy = strategy;
  }
}

/*
 * Whiskers, bands of chance and figures have no colour of their own: a small mark goes with the strategy that it stands at. Lines that
 * are for all of them are wide, and stay.
 */
function markNeighbours(chart) {
  const corners = readCorners(chart);
  for (const element of chart.querySelectorAll('.plot path, .plot polygon, .plot text')) {
    if (element.dataset.strategy) continue;
    const own = cornersOf(element.tagName === 'text' ? element.parentNode : element);
    const across = own.map((corner) => corner[0]), up = own.map((corner) => corner[1]);
    if (!own.length || Math.max(...across) - Math.min(...across) > 60 || Math.max(...up) - Math.min(...up) > 300) continue;
    const corner = nearest(corners, own[0][0], own[0][1], 50);
    if (corner) element.dataset.strategy = corner.strategy;
  }
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

function readCorners(chart) {
  const corners = [];
  for (const element of chart.querySelectorAll('.plot [data-strategy]')) {
    if (element.classList.contains('hidden') || element.tagName === 'text') continue;
    for (const corner of cornersOf(element)) corners.push({ at: corner, strategy: element.dataset.strategy });
  }
  return corners;
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
  const panel = panels.find((p) => x >= p.left - 1 && x <= p.right + 1 && y >= p.top - 1 && y <= p.bottom + 1);
  if (!panel) return corner.strategy;
  const across = valueAt((x - panel.left) / (panel.right - panel.left), panel.x, panel.logs[0]);
  const up = valueAt((panel.bottom - y) / (panel.bottom - panel.top), panel.y, panel.logs[1]);
  const figures = [figureText(across, panel.units[0]), figureText(up, panel.units[1])].filter((text) => text);
  return corner.strategy + (figures.length ? ': ' + figures.join(', ') : '');
}

/* What there is to say of a point of the picture, and where to say it; NULL for nothing. */
function valueNear(chart, panels, grids, x, y) {
  if (grids.length) {
    const text = describeHeat(panels, grids, x, y);
    return text && { text, at: [x, y] };
  }
  const corner = nearest(readCorners(chart), x, y, 20);
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
charts.forEach(markHeat);
charts.forEach(markNeighbours);
charts.forEach(makeHover);
boxes.forEach((box) => box.addEventListener('change', applyToggles));
/* On paper everything is open. */
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((part) => { part.open = true; }));
if (boxes.length) {
  document.getElementById('toggles').hidden = false;
  applyToggles(); /* a browser may keep boxes as they were */
}
