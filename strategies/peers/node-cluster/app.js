'use strict';
/*
 * The paths of our servers on Node's http and cluster modules: /hello, /wait/TIME, /block/TIME, /cpu/TIME, /healthz.
 *
 *   node app.js --port 8080 --workers 4 --policy rr|none     the primary: forks workers, and each again that has ended
 *
 * Started in a worker (by itself, or by PM2 in cluster mode) it serves. X-Worker is the worker's index in either case. INT, which
 * PM2 sends in a reload, drains it: what is under way is answered, with Connection: close, and it ends.
 *
 * Rule: /healthz of a forked worker answers 200 only when all workers listen.
 */
const cluster = require('node:cluster');
const http = require('node:http');

const BACKLOG = 4096;
const KEEP_ALIVE_MS = 75000;
const UNITS_MS = { us: 0.001, ms: 1, s: 1000, m: 60000 };

function options(words) {
    const given = {};
    for (let i = 0; i + 1 < words.length; i += 2) {
        given[words[i].replace(/^--/, '')] = words[i + 1];
    }
    return given;
}

/* "1.5ms" in milliseconds; NaN for anything else. */
function parseTime(text) {
    const match = /^(\d+(?:\.\d+)?)(us|ms|s|m)$/.exec(text);
    return match ? Number(match[1]) * UNITS_MS[match[2]] : NaN;
}

/* ---- a worker ---- */

const index = process.env.WORKER_INDEX || process.env.NODE_APP_INSTANCE || '0';
let healthy = !process.env.WORKER_INDEX; /* under PM2 nobody tells when all listen */
let draining = false;

function answer(response, status, text, fields) {
    const body = text + '\n';
    if (draining) {
        response.setHeader('Connection', 'close');
    }
    response.writeHead(status, {
        'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body), 'X-Worker': index, ...fields,
    });
    response.end(body);
}

/* Sleeps in the loop: nothing else runs in this worker meanwhile. */
function block(ms) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/* Until the process has used that much CPU time. */
function burn(ms) {
    const begin = process.cpuUsage();
    for (;;) {
        const used = process.cpuUsage(begin);
        if (used.user + used.system >= ms * 1000) {
            return;
        }
    }
}

const timed = {
    wait: (ms, done) => setTimeout(done, ms), /* whole milliseconds, as Node's timers are */
    block: (ms, done) => { block(ms); done(); },
    cpu: (ms, done) => { burn(ms); done(); },
};

function serveTimed(response, kind, text) {
    const ms = parseTime(text);
    if (Number.isNaN(ms)) {
        answer(response, 400, `'${text}' is no time`);
    } else {
        timed[kind](ms, () => answer(response, 200, `${kind} ${text}`));
    }
}

function serve(request, response) {
    const path = request.url.split('?', 1)[0];
    const [, kind, text, rest] = path.split('/', 4);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
        answer(response, 405, 'only GET and HEAD', { Allow: 'GET, HEAD' });
    } else if (path === '/' || path === '/hello') {
        answer(response, 200, `Hello from worker ${index}`);
    } else if (path === '/healthz') {
        answer(response, healthy ? 200 : 503, healthy ? 'ok' : 'not all workers listen');
    } else if (Object.hasOwn(timed, kind) && text !== undefined && rest === undefined) {
        serveTimed(response, kind, text);
    } else {
        answer(response, 404, 'no such path');
    }
}

function work() {
    const server = http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, serve);
    server.on('error', (error) => {
        console.error(`worker ${index}: ${error.message}`);
        process.exit(1);
    });
    process.on('SIGINT', () => {
        draining = true;
        server.close(() => process.exit(0)); /* closes idle connections, too */
    });
    process.on('message', (message) => { healthy ||= message === 'all listen'; });
    server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: BACKLOG });
}

/* ---- the primary ---- */

function lead({ port, workers, policy }) {
    const indexes = new Map(); /* of workers, by their ids */
    let listening = 0;
    const start = (index) => indexes.set(cluster.fork({ WORKER_INDEX: index, PORT: port }).id, index);
    cluster.schedulingPolicy = policy === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
    cluster.on('listening', () => {
        if (++listening >= Number(workers)) {
            Object.values(cluster.workers).forEach((worker) => worker.send('all listen'));
        }
    });
    cluster.on('exit', (worker, code, signal) => {
        if (listening < Number(workers)) {
            console.error(`a worker ended (${signal || code}) before all were listening`);
            process.exit(1);
        }
        start(indexes.get(worker.id));
    });
    process.on('SIGTERM', () => process.exit(0)); /* workers end when their channel closes */
    for (let i = 0; i < Number(workers); i++) {
        start(String(i));
    }
}

if (cluster.isPrimary) {
    lead(options(process.argv.slice(2)));
} else {
    work();
}
