// Labelling of a frame in review: accept, reject, name, draw, move and resize boxes, with the mouse, keys or touch.
"use strict";
const Labels = {
  MIN_SIDE: 4, // pixels of the frame; a shorter drag is a click
  frame: null, // as the server describes it
  selected: null, // rank of the selected box
  className: null, // of the next box that is drawn
  history: [], // frames before each change of this session
  suggestions: [], // the suggested frames, if these are shown
  pending: Promise.resolve(), // the last request; the next one waits for it, as it needs the frame's new version

  start() {
    byId("suggest").hidden = byId("label-tools").hidden = false;
    byId("suggest").onclick = () => this.suggest();
    byId("label-accept").onclick = () => this.decide("accepted");
    byId("label-reject").onclick = () => this.decide("rejected");
    byId("label-undo").onclick = () => this.undo();
    byId("label-complete").onclick = () => this.complete();
    byId("label-why").onclick = () => this.explain();
    byId("why-close").onclick = () => byId("why").close();
    byId("label-other").onclick = () => Review.askClass((name) => this.name(name));
    byId("frame").addEventListener("keydown", (event) => this.handleKey(event));
    byId("frame").addEventListener("close", () => { this.suggestions = []; });
    this.createPalette();
  },

  // One button per class; the first nine have a number key.
  createPalette() {
    const names = Review.classNames();
    this.className ??= names[0];
    byId("palette").replaceChildren(...names.map((name, index) => {
      const button = createElement("button", index < 9 ? `${index + 1} ${name}` : name);
      button.type = "button";
      button.onclick = () => this.name(name);
      if (name === this.className) button.className = "current";
      return button;
    }));
  },

  handleKey(event) {
    if (event.target.closest("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      a: () => this.decide("accepted"), r: () => this.decide("rejected"), Delete: () => this.decide("rejected"),
      u: () => this.undo(), f: () => this.complete(), c: () => byId("label-other").click(),
      ArrowUp: () => this.selectNext(-1), ArrowDown: () => this.selectNext(1),
    };
    const name = /^[1-9]$/.test(event.key) && Review.classNames()[Number(event.key) - 1];
    const action = name ? () => this.name(name) : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  },

  async open(source, position, rank = null) {
    await this.request(async () => {
      this.selected = rank;
      this.show(await Review.fetchJson(`labels/${source}/${position}`));
    });
  },

  // Show a frame as the server describes it, here and in the gallery.
  show(frame) {
    this.frame = frame;
    if (!frame.boxes.some(({ rank }) => rank === this.selected)) this.selected = null;
    for (const box of frame.boxes) {
      if (box.number !== null) Review.apply({ detection: box.number, verdict: box.verdict, class: box.class });
    }
    Review.update();
    this.draw();
    byId("label-message").textContent = frame.reason ? `No picture: ${frame.reason}` : "";
    byId("label-complete").textContent = frame.complete ? "Complete ✓" : "Frame complete";
    const done = this.suggestions.filter(({ reviewed }) => reviewed).length;
    byId("label-progress").textContent = this.suggestions.length ? `${done} of ${this.suggestions.length} suggested frames` : "";
  },

  draw() {
    FrameView.show(this.frame, this.frame.boxes.map((box) => ({ ...box, selected: box.rank === this.selected })));
    const svg = byId("frame-picture").querySelector("svg");
    svg.classList.add("editable");
    this.addHandles(svg);
    svg.addEventListener("pointerdown", (event) => this.startDrag(event, svg));
    this.createPalette();
  },

  // Add a handle to each corner of the selected box.
  addHandles(svg) {
    const box = this.box();
    if (!box || box.verdict === "rejected") return;
    const size = 14 * this.frame.cols / svg.getBoundingClientRect().width; // of 14 pixels on the screen
    for (const [right, bottom] of [[0, 0], [1, 0], [0, 1], [1, 1]]) {
      const [x, y] = [box.x + right * box.w - size / 2, box.y + bottom * box.h - size / 2];
      const handle = FrameView.createSvgElement("rect", { x, y, width: size, height: size, class: "handle" });
      // Dragged, the corner moves and the opposite one stays.
      handle.dataset.anchor = JSON.stringify([box.x + (1 - right) * box.w, box.y + (1 - bottom) * box.h]);
      svg.append(handle);
    }
  },

  box() { return this.frame.boxes.find(({ rank }) => rank === this.selected); },

  select(rank) {
    this.selected = rank;
    const box = this.box();
    if (box) this.className = box.class;
    this.draw();
  },

  selectNext(step) {
    const ranks = this.frame.boxes.map(({ rank }) => rank);
    if (ranks.length) this.select(ranks.at((ranks.indexOf(this.selected) + step + ranks.length) % ranks.length));
  },

  // Draw a new box, or move or resize one, while the pointer is down.
  startDrag(event, svg) {
    const position = (event) => {
      const { left, top, width, height } = svg.getBoundingClientRect();
      return [(event.clientX - left) * this.frame.cols / width, (event.clientY - top) * this.frame.rows / height];
    };
    event.preventDefault();
    const { rank, anchor } = event.target.dataset;
    if (rank !== undefined && Number(rank) !== this.selected) return this.select(Number(rank));
    const start = position(event);
    const moved = rank !== undefined && this.box().verdict !== "rejected" ? this.box() : null;
    const corner = anchor ? JSON.parse(anchor) : start;
    const preview = FrameView.createSvgElement("rect", { class: "preview" });
    let drawn = null;
    svg.append(preview);
    svg.setPointerCapture(event.pointerId);
    svg.onpointermove = (event) => {
      const [x, y] = position(event);
      drawn = moved
        ? [moved.x + x - start[0], moved.y + y - start[1], moved.w, moved.h]
        : [Math.min(x, corner[0]), Math.min(y, corner[1]), Math.abs(x - corner[0]), Math.abs(y - corner[1])];
      ["x", "y", "width", "height"].forEach((name, index) => preview.setAttribute(name, drawn[index]));
    };
    svg.onpointercancel = () => this.draw();
    svg.onpointerup = (event) => {
      const distance = Math.max(...position(event).map((value, index) => Math.abs(value - start[index])));
      if (!drawn || distance < this.MIN_SIDE) return anchor || moved ? this.draw() : this.select(null);
      this.drawBox(drawn, moved || anchor ? this.box() : null);
    };
  },

  drawBox(box, replaced) {
    const body = { box, class: replaced ? replaced.class : this.className, replaces: replaced ? replaced.rank : null };
    this.change("boxes", body, (frame) => { this.selected = frame.drawn; });
  },

  decide(verdict) {
    const box = this.box();
    if (!box) return;
    if (verdict === "accepted" && box.class === "unknown") byId("label-other").click(); // it must be named
    else this.change("decisions", { decisions: [{ rank: box.rank, verdict, class: box.class }] });
  },

  // Name the selected box, or those that are drawn next.
  name(name) {
    this.className = name;
    const box = this.box();
    if (box) this.change("decisions", { decisions: [{ rank: box.rank, verdict: "accepted", class: name }] });
    else this.createPalette();
  },

  // Show which parts of the frame raise the score of the selected box.
  explain() {
    const [box, picture] = [this.box() || this.frame.boxes[0], byId("why-picture")];
    if (!box) return;
    const url = `why/${this.frame.source}/${this.frame.position}/${box.rank}.png`;
    byId("why-title").textContent = `Why ${box.class}? Computing for some seconds …`;
    picture.hidden = true;
    picture.onload = () => {
      picture.hidden = false;
      byId("why-title").textContent = `Why ${box.class}?`;
    };
    picture.onerror = () => Review.fetchJson(url).catch((error) => { byId("why-title").textContent = error.message; });
    picture.src = url;
    byId("why").showModal();
  },

  complete() {
    this.change("decisions", { decisions: [], complete: !this.frame.complete }, (frame) => {
      const suggestion = this.suggestions.find((item) => this.isShown(item));
      if (suggestion) suggestion.reviewed = frame.complete;
      if (suggestion && frame.complete) return this.openNextSuggestion();
    });
  },

  // Send a change of the frame; show the frame as it is then.
  async change(path, body, afterwards) {
    await this.request(async () => {
      const before = this.frame;
      const url = `labels/${before.source}/${before.position}/${path}`;
      const frame = await Review.fetchJson(url, { ...body, version: before.version });
      this.history.push(before);
      const next = afterwards?.(frame);
      this.show(frame);
      await next;
    });
  },

  // Undo the last change, also if it was made on another frame.
  async undo() {
    const before = this.history.pop();
    if (!before) return this.decide("undecided");
    await this.request(async () => {
      const url = `labels/${before.source}/${before.position}`;
      const now = await Review.fetchJson(url);
      const decisions = now.boxes.map((box) => {
        const old = before.boxes.find(({ rank }) => rank === box.rank);
        return { rank: box.rank, verdict: old ? old.verdict : "rejected", class: old ? old.class : box.class };
      });
      // Drawn boxes that were rejected are not among those of the frame any more.
      for (const old of before.boxes) {
        if (!now.boxes.some(({ rank }) => rank === old.rank)) decisions.push({ rank: old.rank, verdict: old.verdict, class: old.class });
      }
      const body = { decisions, complete: before.complete, version: now.version };
      const frame = await Review.fetchJson(`${url}/decisions`, body);
      const suggestion = this.suggestions.find((item) => item.source === before.source && item.position === before.position);
      if (suggestion) suggestion.reviewed = frame.complete;
      this.show(frame);
    });
  },

  async suggest() {
    byId("suggest").disabled = true;
    Review.warn("Choosing the frames that teach the model most …");
    await this.request(async () => {
      this.suggestions = (await Review.fetchJson("labels/suggestions")).frames;
      byId("message").hidden = this.suggestions.length > 0;
      if (this.suggestions.length) this.openNextSuggestion();
      else Review.warn("No frame is left to label: all were reviewed completely.");
    });
    byId("suggest").disabled = false;
  },

  isShown({ source, position }) {
    return this.frame !== null && this.frame.source === source && this.frame.position === position;
  },

  openNextSuggestion() {
    const start = this.suggestions.findIndex((item) => this.isShown(item)) + 1;
    const following = [...this.suggestions.slice(start), ...this.suggestions.slice(0, start)];
    const next = following.find(({ reviewed }) => !reviewed);
    if (next) this.open(next.source, next.position);
    else byId("label-message").textContent = "All suggested frames are complete. Teach a model with: sonar-debris survey learn";
  },

  step(step) {
    const index = this.suggestions.findIndex((item) => this.isShown(item));
    const next = this.suggestions.at((index + step + this.suggestions.length) % this.suggestions.length);
    this.open(next.source, next.position);
  },

  // Run a function that sends requests after the earlier ones; show why it failed.
  request(action) {
    this.pending = this.pending.then(action).catch((error) => {
      Review.warn(`The decision was not saved: ${error.message}`);
      byId("label-message").textContent = error.message;
      if (this.frame) this.draw();
    });
    return this.pending;
  },
};
