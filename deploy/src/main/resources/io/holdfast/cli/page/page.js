// Asks for /status.json each second and shows it. Everything is in that one document, so what stands on the page is never a
// mixture of two moments, and a page that was asleep catches up with one answer.
'use strict';

const ASK_EVERY_MILLIS = 1000;
const PATIENCE_MILLIS = 3000;

/** Beyond this what is shown is no longer what is. */
const STALE_MILLIS = 4000;

const ASSETS = new URL('.', document.currentScript.src);
const byId = (id) => document.getElementById(id);

let newest = null;
let newestAt = 0;
let trouble = '';

// ---- numbers for people ----

const UNITS = ['B', 'KiB', 'MiB', 'GiB'];

function bytes(value) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return `${(value / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}

function millis(value) {
  if (value < 1000) {
    return `${value.toFixed(1)} ms`;
  }
  return value < 120_000 ? `${(value / 1000).toFixed(1)} s` : `${Math.round(value / 60_000)} min`;
}

const ago = (value) => `${millis(value)} ago`;

const FORMATS = { bytes, millis, ago };

// ---- what is on the page, changed in place and only where it differs ----

function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) {
    element.setAttribute(name, value);
  }
}

function lookUp(status, path) {
  return path.split('.').reduce((at, name) => at?.[name], status);
}

function showFields(status) {
  for (const element of document.querySelectorAll('[data-field]')) {
    const value = lookUp(status, element.dataset.field);
    const format = FORMATS[element.dataset.as] ?? String;
    setText(element, value === undefined || value === null || value === '' ? '–' : format(value));
  }
  byId('held-meter').value = status.proxy.held_bytes / Math.max(1, status.proxy.limit_bytes);
}

function showIcon(standing) {
  const icon = new URL(`${standing}.svg`, ASSETS).href;
  setAttribute(document.body, 'data-standing', standing);
  setAttribute(byId('icon'), 'href', icon);
  setAttribute(byId('headline-icon'), 'src', icon);
}

/** The state first, in the title too: a tab among many shows no more than a few letters of it. */
function showHeadline(state, standing, sentence, because) {
  showIcon(standing);
  const headline = byId('headline');
  const words = `${state}: ${sentence}.`;
  if (headline.textContent !== words) {
    const name = document.createElement('b');
    name.textContent = state;
    headline.replaceChildren(name, words.slice(state.length));
  }
  setText(byId('because'), because === '' ? '' : `Reason: ${because}.`);
  const whose = newest === null ? '' : ` – ${newest.proxy.guest} on ${newest.proxy.host}`;
  const title = `${state}${whose} – Holdfast`;
  if (document.title !== title) {
    document.title = title;
  }
}

function showWarnings(warnings) {
  const list = byId('warnings');
  list.hidden = warnings.length === 0;
  resize(list, warnings.length, () => document.createElement('li'));
  warnings.forEach((warning, i) => setText(list.children[i], warning));
}

function resize(parent, count, make) {
  while (parent.children.length > count) {
    parent.lastElementChild.remove();
  }
  while (parent.children.length < count) {
    parent.append(make());
  }
}

function showRows(body, rows) {
  const columns = body.parentElement.querySelectorAll('thead th').length;
  resize(body, rows.length, () => {
    const row = document.createElement('tr');
    resize(row, columns, () => document.createElement('td'));
    return row;
  });
  rows.forEach((cells, i) => cells.forEach((cell, j) => setText(body.children[i].children[j], String(cell))));
}

function portRow(port, towards) {
  const lost = port.kernel_dropped + port.truncated + port.send_errors;
  return [port.interface, towards, port.captured, port.sent, lost];
}

function localTime(iso) {
  const at = new Date(iso);
  const two = (number) => String(number).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** What an agent that is gone said of the other host grows old with its answer. */
function sinceHeard(agent) {
  const before = agent.status?.last_contact_ms;
  return before === undefined || agent.answers ? before : before + agent.answered_ms_ago;
}

function showAgent(agent) {
  const table = byId('agent');
  table.hidden = !agent.configured;
  table.classList.toggle('old', !agent.answers);
  let age = '';
  if (!agent.answers) {
    age = agent.answered_ms_ago === undefined ? '(never answered)' : `(as of ${millis(agent.answered_ms_ago)} ago)`;
  }
  setText(byId('agent-age'), age);
}

function show(status) {
  const { proxy } = status;
  showWarnings(status.warnings);
  showFields({ ...status, agent: { ...status.agent, heard_ms_ago: sinceHeard(status.agent) } });
  showAgent(status.agent);
  showRows(byId('ports'), proxy.nics.flatMap((nic) => [portRow(nic.guest_port, 'guest'), portRow(nic.uplink, 'clients')]));
  showRows(byId('events'), status.events.map((event) => [localTime(event.at), event.by, event.term, event.reason]));
  setText(byId('as-of'), localTime(status.at));
  setAttribute(byId('as-of'), 'datetime', status.at);
  charts.forEach((chart) => chart.show(status.history));
}

// ---- charts ----

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const HISTORY_SECONDS = 600;
const PLOT_HEIGHT = 160;
const TIME_AXIS_HEIGHT = 28;
const VALUE_AXIS_WIDTH = 72;

/** One figure; its caption says in words what the curve shows. */
class Chart {
  /** @param least what the scale reaches at least, so that nearly nothing does not look like much */
  constructor(name, format, least, series) {
    this.figure = document.querySelector(`[data-chart="${name}"]`);
    this.place = this.figure.querySelector('.plot');
    this.format = format;
    this.least = least;
    this.series = series;
    this.plot = null;
    this.data = [[]].concat(series.map(() => []));
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.place);
  }

  size() {
    return { width: this.place.clientWidth, height: PLOT_HEIGHT };
  }

  /** Its colours are drawn, so they do not follow the scheme by themselves. */
  draw() {
    this.plot?.destroy();
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    this.plot = new uPlot({
      ...this.size(),
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: (plot, first, last) => [last - HISTORY_SECONDS, last] },
        y: { range: (plot, low, high) => [0, Math.max(high ?? 0, this.least) * 1.1] },
      },
      axes: [
        { ...axis, space: 90, size: TIME_AXIS_HEIGHT, values: (plot, times) => times.map((time) => localTime(time * 1000).slice(11, 16)) },
        { ...axis, size: VALUE_AXIS_WIDTH, values: (plot, values) => values.map(this.format) },
      ],
      // A second between two of which nothing is known is a point, not a line.
      series: [{}].concat(this.series.map(({ stroke }) => ({
        stroke: colour(stroke), width: 2, points: { show: true, size: 3, fill: colour(stroke) },
      }))),
    }, this.data, this.place);
  }

  show(history) {
    this.data = [history.at_s].concat(this.series.map(({ column }) => history[column]));
    if (this.plot === null) {
      this.draw();
    } else {
      this.plot.setData(this.data);
    }
    const words = this.series.map(({ label, column }) => this.inWords(label, history[column]));
    setText(this.figure.querySelector('.figures'), words.join('; '));
  }

  inWords(label, column) {
    const known = column.filter((value) => value !== null);
    if (known.length === 0) {
      return `${label} nothing yet`;
    }
    const last = column.at(-1);
    const now = last === null ? 'none now' : `${this.format(last)} now`;
    return `${label} ${now}, ${this.format(Math.min(...known))} to ${this.format(Math.max(...known))}`;
  }
}

const charts = [
  new Chart('hold', millis, 1, [
    { label: 'half of them:', column: 'hold_p50_ms', stroke: '--first' },
    { label: '99 of 100 below:', column: 'hold_p99_ms', stroke: '--second' },
  ]),
  new Chart('held', bytes, 1024, [{ label: '', column: 'held_bytes', stroke: '--first' }]),
  new Chart('pause', millis, 1, [{ label: '', column: 'pause_ms', stroke: '--first' }]),
];

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.forEach((chart) => chart.draw()));

// ---- asking ----

/** A page that shows PROTECTED although nobody says so any more would be worse than none. */
function showState() {
  const age = newest === null ? Infinity : performance.now() - newestAt + newest.taken_ms_ago;
  const stale = age > STALE_MILLIS && (newest !== null || trouble !== '');
  byId('stale').hidden = !stale;
  document.querySelector('main').classList.toggle('old', stale);
  if (stale) {
    // Whole fives, so that a screen reader does not count along.
    const since = newest === null ? '' : ` for ${Math.floor(age / 5000) * 5 || 4} s`;
    const shown = newest === null ? 'Nothing is known yet.' : 'What is shown here is from then.';
    setText(byId('stale'), `The proxy has not answered${since} (${trouble || 'it is stuck'}). ${shown}`);
    showHeadline('UNKNOWN', 'unknown', 'the proxy does not answer. If it is dead, nothing leaves and nothing enters', '');
  } else if (newest !== null) {
    const { state, standing, sentence, because } = newest.headline;
    showHeadline(state, standing, sentence, because);
  }
}

async function ask() {
  try {
    const response = await fetch('status.json', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MILLIS) });
    if (!response.ok) {
      throw new Error(`it says ${response.status}`);
    }
    newest = await response.json();
    newestAt = performance.now();
    trouble = '';
    show(newest);
  } catch (error) {
    trouble = error.name === 'TimeoutError' ? 'it keeps us waiting' : error.message;
  }
  showState();
  setTimeout(ask, ASK_EVERY_MILLIS);
}

ask();
