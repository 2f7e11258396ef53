/*
 * A headless Chromium, driven through a pipe (its DevTools protocol: JSON documents with a NUL behind each), with what a check of a
 * page needs. No network: the page is a file.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Browser {
  constructor(program) {
    this.home = mkdtempSync(join(tmpdir(), 'browser-'));
    const words = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking',
      '--disable-component-update', '--no-first-run', '--hide-scrollbars', '--remote-debugging-pipe', `--user-data-dir=${this.home}`, 'about:blank'];
    this.child = spawn(program, words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, HOME: this.home } });
    this.waiting = new Map();
    this.events = [];
    this.listeners = [];
    this.next = 1;
    this.rest = '';
    this.child.stdio[4].setEncoding('utf8');
    this.child.stdio[4].on('data', (text) => this.take(text));
    this.child.stdio[3].on('error', () => {});
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
  }

  take(text) {
    const parts = (this.rest + text).split('\0');
    this.rest = parts.pop();
    for (const part of parts) {
      const message = JSON.parse(part), waits = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (waits) message.error ? waits.reject(new Error(message.error.message)) : waits.resolve(message.result);
      else if (message.method) this.event(message);
    }
  }

  event(message) {
    this.events.push(message);
    this.listeners = this.listeners.filter((listener) => listener.method !== message.method || (listener.resolve(message.params), false));
  }

  send(method, params = {}) {
    const id = this.next++;
    this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId: this.session }) + '\0');
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  /* The next event of that name. */
  heard(method) {
    return new Promise((resolve) => this.listeners.push({ method, resolve }));
  }

  async open() {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    this.session = (await this.send('Target.attachToTarget', { targetId, flatten: true })).sessionId;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'DOM']) await this.send(`${domain}.enable`);
  }

  async go(url) {
    const loaded = this.heard('Page.loadEventFired');
    await this.send('Page.navigate', { url });
    await loaded;
  }

  /* The value of an expression in the page. */
  async ask(expression) {
    const answer = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description ?? answer.exceptionDetails.text);
    return answer.result.value;
  }

  async key(key, code) {
    const text = { Enter: '\r', ' ': ' ' }[key];
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: code, text });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, windowsVirtualKeyCode: code });
  }

  /* Words of the console, exceptions, what the policy refused. */
  complaints() {
    return this.events.map(({ method, params }) => method === 'Runtime.exceptionThrown' ? params.exceptionDetails.exception?.description ?? params.exceptionDetails.text
      : method === 'Runtime.consoleAPICalled' ? params.args.map((arg) => arg.value).join(' ')
      : method === 'Log.entryAdded' ? params.entry.text : null).filter((text) => text !== null);
  }

  /* Everything that was fetched. */
  fetched() {
    return this.events.filter(({ method }) => method === 'Network.requestWillBeSent').map(({ params }) => params.request.url);
  }

  /* Ends it with all its processes: the group is its own. */
  async end() {
    try { process.kill(-this.child.pid, 'SIGKILL'); } catch { /* it is gone */ }
    await this.ended;
    rmSync(this.home, { recursive: true, force: true });
  }
}
