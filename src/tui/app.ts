import type { Action } from '../store/actions.ts';
import type { Effect } from '../store/effects.ts';
import type { State } from '../store/state.ts';
import { update } from '../store/update.ts';
import { arrange } from '../view/arrange.ts';
import { LastPicture } from '../view/last-picture.ts';
import { layoutOf } from '../view/layout.ts';
import { RowOrder } from '../view/table/order.ts';
import type { Derived, Layout } from '../view/panes/pane.ts';
import { ShownEvents } from '../view/panes/shown-events.ts';
import { actionOf, Keymap } from './keymap.ts';
import { keyContext } from './keys/context.ts';
import { Mouse, type MouseInput } from './mouse.ts';
import { type PaintedRegion, Painter } from './painter.ts';
import type { Terminal } from './terminal.ts';

/**
 * Calls back after all input that has arrived is read: the event loop reads input between two calls of setImmediate.
 */
const afterInput = (then: () => void): void => void setImmediate(() => setImmediate(then));

/**
 * The live screen: input becomes actions, and the state becomes a picture.
 *
 *     key, mouse ─▶ action ─▶ update ─▶ state ─▶ arrange ─▶ paint
 *                     ▲          └──▶ effects ─▶ runner
 *     batch, answer ──┘                            └─▶ action …
 */
export class App {
  #state: State;
  readonly #screen: Terminal['screen'];
  readonly #runEffect: (effect: Effect) => void;
  readonly #now: () => number;
  readonly #painter: Painter;
  readonly #mouse = new Mouse();
  readonly #keymap: Keymap;
  readonly #derived: Derived = { order: new RowOrder(), events: new ShownEvents() };
  /** The picture that the user sees. */
  #painted: readonly PaintedRegion[] = [];
  #isPaintScheduled = false;
  readonly #picture = new LastPicture();

  /**
   * @param runEffect carries out an effect; it may dispatch the answer at once or later
   * @param now returns the time of an action, milliseconds on a clock that never runs backwards
   * @param keymap the keys in effect
   */
  constructor(
    { screen }: Terminal,
    state: State,
    runEffect: (effect: Effect) => void,
    now: () => number,
    keymap = new Keymap(),
  ) {
    this.#keymap = keymap;
    this.#screen = screen;
    this.#state = state;
    this.#runEffect = runEffect;
    this.#now = now;
    this.#painter = new Painter(screen, keymap.bindings, () => this.#schedulePaint());
    screen.on('keypress', (character: string | undefined, key: { full: string; name: string }) => {
      // Blessed reports the enter key twice, also as `return`.
      if (key.name !== 'return') this.#press(key.full, character);
    });
    screen.on('paste', (text: string) => this.#paste(text));
    screen.on('mouse', (event: MouseInput) => {
      this.#noteInput();
      const { actions, key } = this.#mouse.effectOf(event, this.#painted, this.#context(), this.#now());
      for (const action of actions) this.dispatch(action);
      if (key !== undefined) this.#press(key, undefined);
    });
    screen.on('resize', () => this.paint());
    this.paint();
  }

  /** The state from which the screen is painted. */
  get state(): State {
    return this.#state;
  }

  /**
   * Applies an action and schedules a paint. A batch is painted after its last part, and only if it changes the picture.
   */
  dispatch(action: Action): void {
    this.#apply(action);
    if (action.type === 'batch') {
      // The rows are ordered after each part: ordering all parts at once would delay the keys.
      this.#derived.order.update(this.#state);
      if (action.batch.partial || this.#picture.stillShows(this.#state, this.#derived.order)) return;
    }
    this.#schedulePaint();
  }

  #apply(action: Action): void {
    const { state, effects } = update(this.#state, action);
    this.#state = state;
    for (const effect of effects) this.#runEffect(effect);
  }

  #context() {
    return keyContext(this.#state, this.#derived, this.#keymap.bindings);
  }

  /** Notes that the user is present: input ends an absence. */
  #noteInput(): void {
    const { absence } = this.#state;
    this.#apply({ type: 'input', atMs: this.#now() });
    if (this.#state.absence !== absence) this.#schedulePaint();
  }

  #press(name: string, character: string | undefined): void {
    this.#noteInput();
    // A key acts on the rows as the keys before it left them, even if all arrive at once. Text in a prompt does not
    // depend on the rows.
    if (this.#isPaintScheduled && !this.#state.prompt) this.#arrange();
    const action = actionOf(this.#context(), name, character, this.#keymap);
    if (this.#state.keyStart !== null) this.#apply({ type: 'key-start', key: null });
    if (action === undefined) return;
    // The next key removes the message.
    if (this.#state.message) this.#apply({ type: 'message', message: null });
    this.dispatch(action);
  }

  #paste(text: string): void {
    this.#noteInput();
    if (this.#state.message) this.#apply({ type: 'message', message: null });
    this.dispatch({ type: 'paste', text });
  }

  /**
   * Schedules a paint, one for all calls before it. Input that has arrived is read first: it means the current picture.
   */
  #schedulePaint(): void {
    if (this.#isPaintScheduled) return;
    this.#isPaintScheduled = true;
    afterInput(() => {
      this.#isPaintScheduled = false;
      this.paint();
    });
  }

  /** Brings the rows and events up to date, and finds their places on the screen. Returns the regions of the screen. */
  #arrange(): Layout {
    const { order, events } = this.#derived;
    const [width, height] = [Number(this.#screen.width), Number(this.#screen.height)];
    const { size } = this.#state;
    if (width !== size.width || height !== size.height) this.#apply({ type: 'resize', width, height });
    order.update(this.#state);
    const layout = layoutOf(this.#state, order.length);
    // A long log is filtered in several runs, so that keys are handled between them.
    if (layout.events && !events.update(this.#state)) this.#schedulePaint();
    this.#apply(arrange(this.#state, this.#derived, layout));
    return layout;
  }

  /** Paints the state. */
  paint(): void {
    const layout = this.#arrange();
    const painted = this.#painter.paint(this.#state, this.#derived, layout);
    this.#picture.note(this.#state, this.#derived.order);
    // A click that arrived during this paint is read first: it means the previous picture.
    afterInput(() => {
      this.#painted = painted;
    });
  }
}
