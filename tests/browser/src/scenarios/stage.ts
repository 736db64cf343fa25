/** The stage of the scenarios: the plugin's process behind the bridge, and a browser in front of it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';

export interface Place {
  binary: string;
  bridge: string;
  chromium: string;
  dist: string;
  out: string;
  page: string;
}

/** The moment at which the demo ends, and at which the browser's clock starts. */
const NOW = '2026-06-30T00:00:00Z';

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

export class Stage {
  private constructor(
    private readonly place: Place,
    private readonly bridge: ChildProcess,
    private readonly browser: Browser,
    /** One for all pages, so that only the first has to load and compile the packages. */
    private readonly context: BrowserContext,
    readonly address: string,
    /** The folder whose files the plugin may read. */
    readonly folder: string
  ) {}

  static async set(): Promise<Stage> {
    const place = JSON.parse(process.env.PELORUS_PLACE ?? '{}') as Place;
    const folder = mkdtempSync(path.join(tmpdir(), 'pelorus-browser-'));
    execFileSync(place.binary, ['demo', '--out', folder, '--now', NOW], { stdio: ['ignore', 'ignore', 'inherit'] });
    const log = path.join(place.out, 'plugin.log');
    const bridge = spawn(
      place.bridge,
      [place.binary, place.page, place.dist, log, `GF_PLUGIN_ALLOWED_PATHS=${folder}`],
      { stdio: ['pipe', 'pipe', 'inherit'] }
    );
    const lines = createInterface({ input: bridge.stdout as NodeJS.ReadableStream });
    const address = await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      bridge.once('exit', (code) => reject(new Error(`the bridge ended with ${code}`)));
    });
    const browser = await chromium.launch({ executablePath: place.chromium, headless: true, args: FLAGS });
    mkdirSync(path.join(place.out, 'screenshots'), { recursive: true });
    const context = await browser.newContext({ reducedMotion: 'reduce' });
    // From there it runs on: what waits for a pause in typing needs a clock that moves.
    await context.clock.install({ time: NOW });
    const stage = new Stage(place, bridge, browser, context, address, folder);
    await stage.save('pelorus', {
      timezone: 'UTC',
      sources: [{ name: 'demo', kind: 'events', path: path.join(folder, 'events.jsonl') }],
    });
    await stage.wait('pelorus');
    return stage;
  }

  async strike() {
    await this.browser.close();
    const ended = new Promise((resolve) => this.bridge.once('exit', resolve));
    this.bridge.stdin?.end();
    await ended;
    rmSync(this.folder, { recursive: true });
  }

  /** Saves a data source as Grafana's settings page does. */
  async save(uid: string, jsonData: object) {
    const body = JSON.stringify({ jsonData });
    const response = await fetch(`${this.address}/api/datasources/uid/${uid}`, { method: 'PUT', body });
    assert.equal(response.status, 200);
  }

  async saved(uid: string): Promise<{ jsonData: Record<string, unknown>; secureJsonFields: Record<string, boolean> }> {
    const response = await fetch(`${this.address}/api/datasources/uid/${uid}`);
    return response.json();
  }

  /** Until every source of a data source has been read. */
  private async wait(uid: string) {
    const resources = `${this.address}/api/datasources/uid/${uid}/resources`;
    await fetch(`${resources}/sync`, { method: 'POST', body: '{}' });
    const deadline = Date.now() + 180_000;
    for (;;) {
      const response = await fetch(`${resources}/sources`);
      const { sources } = (await response.json()) as { sources: Array<{ syncing: boolean; lastSync: string | null }> };
      if (sources.length > 0 && sources.every(({ syncing, lastSync }) => lastSync && !syncing)) {
        return;
      }
      assert.ok(Date.now() < deadline, `the sources are not read in three minutes: ${JSON.stringify(sources)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Opens one of the host page's parts, gives it to `scene`, and holds the console against it afterwards. */
  async play(
    show: string,
    parameters: Record<string, string | string[]>,
    scene: (scene: Scene) => Promise<void>,
    /** Answers that a scenario asks for: the browser itself logs every status of 400 and above. */
    { refused }: { refused?: RegExp } = {}
  ) {
    const page = await this.context.newPage();
    await page.setViewportSize({ width: 1500, height: show === 'dashboard' ? 3200 : 1000 });
    // Generous, for machines that do something else as well.
    page.setDefaultTimeout(60_000);
    page.setDefaultNavigationTimeout(180_000);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' && !(refused && refused.test(message.location().url))) {
        complaints.push(message.text());
      }
    });
    page.on('pageerror', (error) => complaints.push(String(error.stack)));
    const pairs = Object.entries({ uid: 'pelorus', ...parameters, show });
    const query = new URLSearchParams(pairs.flatMap(([name, values]) => [values].flat().map((value) => [name, value])));
    const opened = new Scene(page, path.join(this.place.out, 'screenshots'), `${this.address}/?${query}`);
    try {
      await opened.open();
      await scene(opened);
      assert.deepEqual(complaints, [], 'the console is quiet');
    } catch (failure) {
      // The failure itself matters more than its picture.
      await opened.screenshot(`failed-${show}-${Date.now() % 100_000}`).catch(() => undefined);
      if (complaints.length > 0) {
        process.stderr.write(`The console says:\n${complaints.join('\n')}\n`);
      }
      throw failure;
    } finally {
      await page.close();
    }
  }
}

export interface Summary {
  runs?: number;
  errors: string[];
  frames: Array<{
    refId?: string;
    type?: string;
    rows: number;
    notices?: string[];
    fields: Array<{
      name: string;
      type: string;
      labels?: Record<string, string>;
      unit?: string;
      known: number;
      values: unknown[];
    }>;
  }>;
  options?: Array<{ value: string; text: string }>;
}

/** The open page and what people do on it. */
export class Scene {
  constructor(
    readonly page: Page,
    private readonly folder: string,
    private readonly url: string
  ) {}

  async open() {
    await this.page.goto(this.url);
    // The first page has some megabytes of packages to compile.
    await this.page.waitForSelector('main', { timeout: 180_000 });
  }

  async screenshot(name: string) {
    await this.page.screenshot({ path: path.join(this.folder, `${name}.png`), fullPage: true });
  }

  /** Boxes that take room and hold nothing. */
  async emptyRows(): Promise<number> {
    return this.page.locator('main div').evaluateAll((boxes) => {
      const holdsNothing = (box: Element) => !box.textContent && !box.querySelector('input, svg, button, canvas');
      return boxes.filter((box) => holdsNothing(box) && box.getBoundingClientRect().height > 8).length;
    });
  }

  combobox(name: string | RegExp): Locator {
    return this.page.getByRole('combobox', { name });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  /** Opens a list and takes one of its options. */
  async choose(list: string | RegExp, option: string | RegExp) {
    await this.combobox(list).click();
    await this.page.getByRole('option').first().waitFor();
    const found = this.page.getByRole('option', { name: option });
    if ((await found.count()) === 0) {
      // A long list shows its first options only: a person types the name.
      const words = typeof option === 'string' ? option : option.source.replace(/^\^/, '').replace(/\\(.)/g, '$1');
      await this.combobox(list).fill(words);
    }
    await found.first().click();
  }

  /** The options a list offers, by their first line. */
  async offered(list: string | RegExp): Promise<string[]> {
    await this.combobox(list).click();
    await this.page.getByRole('option').first().waitFor();
    const texts = await this.page.getByRole('option').allInnerTexts();
    await this.page.keyboard.press('Escape');
    return texts.map((text) => text.split('\n')[0] ?? '');
  }

  async value<T>(name: string): Promise<T> {
    const text = await this.page.getByTestId(name).textContent();
    return JSON.parse(text ?? 'null') as T;
  }

  async answer(): Promise<Summary> {
    await this.page.getByTestId('answer').waitFor({ state: 'attached' });
    return this.value<Summary>('answer');
  }

  /** What the query answers after `act` has made it run again. */
  async after(act: () => Promise<void>): Promise<Summary> {
    const counted = this.page.getByTestId('answer');
    const before = (await counted.count()) > 0 ? ((await this.answer()).runs ?? 0) : 0;
    await act();
    await this.page.waitForFunction((runs) => {
      const text = document.querySelector('[data-testid=answer]')?.textContent;
      return text && JSON.parse(text).runs > runs;
    }, before);
    return this.answer();
  }
}
