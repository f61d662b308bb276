// Review of the gallery with keys or buttons, if the page is served by `survey review`.
"use strict";
const Review = {
  VERDICTS: { a: "accepted", r: "rejected", u: "undecided" }, // by key
  isOpen: false, // whether decisions can be stored
  askedFor: null, // receives the class that is entered in the dialog

  start() {
    if (!Report.review.token) return;
    if (Report.review.count !== Report.count()) {
      this.warn("Detections were added while the report was written. Start the review again.");
      return;
    }
    this.isOpen = true;
    byId("help").hidden = false;
    for (const decision of Report.review.decisions) this.apply(decision);
    document.addEventListener("keydown", (event) => this.handleKey(event));
    byId("cards").addEventListener("click", (event) => this.handleButton(event), { capture: true });
    byId("relabel").addEventListener("close", () => {
      const name = byId("new-class").value.trim();
      if (byId("relabel").returnValue === "save" && name) this.askedFor(name);
      byId("relabel").returnValue = "";
    });
    Labels.start();
    Gallery.show(0); // with the buttons of the cards
    this.update();
  },

  // The classes of the model, and those that were named in review.
  classNames() {
    return [...new Set([...Report.survey.classes, ...Report.index.classNames])].filter((name) => name !== "unknown");
  },

  askClass(action) {
    this.askedFor = action;
    byId("class-names").replaceChildren(...this.classNames().map((name) => createOption(name, "")));
    byId("new-class").value = "";
    byId("relabel").showModal();
  },

  handleKey(event) {
    const isTyping = event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey || event.altKey;
    if (isTyping) return;
    const cards = [...byId("cards").children];
    const index = cards.indexOf(document.activeElement);
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns(cards), ArrowDown: this.columns(cards) };
    if (event.key in steps) {
      event.preventDefault();
      cards[index < 0 ? 0 : Math.max(0, Math.min(cards.length - 1, index + steps[event.key]))]?.focus();
    } else if (event.key === "n" || event.key === "p") {
      Gallery.turn(event.key === "n" ? 1 : -1);
    } else if (index >= 0 && event.key in this.VERDICTS) {
      const number = Number(cards[index].dataset.number);
      this.judge(number, this.VERDICTS[event.key]);
      cards[index + 1]?.focus();
    } else if (index >= 0 && event.key === "c") {
      event.preventDefault();
      this.relabel(Number(cards[index].dataset.number));
    }
  },

  // A button of a card decides; elsewhere the card opens its frame.
  handleButton(event) {
    const button = event.target.closest(".card button");
    if (!button) return;
    event.stopPropagation();
    const number = Number(button.closest(".card").dataset.number);
    if (button.dataset.verdict) this.judge(number, button.dataset.verdict);
    else this.relabel(number);
  },

  // Decide on a detection without a new class; an unknown object must be named to be accepted.
  judge(number, verdict) {
    if (verdict === "accepted" && Report.classOf(number) === "unknown") this.relabel(number);
    else this.decide(number, verdict, Report.classOf(number));
  },

  relabel(number) { this.askClass((name) => this.decide(number, "accepted", name)); },

  // Number of cards in a row of the gallery.
  columns(cards) { return cards.filter((card) => card.offsetTop === cards[0].offsetTop).length || 1; },

  async decide(number, verdict, name) {
    // A decision made in the gallery of objects is on all sightings of the object.
    const decision = { detection: number, verdict, class: name, object: byId("what").value === "objects" };
    try {
      const answer = await this.fetchJson("decisions", decision);
      for (const changed of answer.decisions) this.apply(changed);
      this.update();
      byId("message").hidden = true;
    } catch (error) {
      this.warn(`The decision was not saved: ${error.message}`);
    }
  },

  // Get a document from the server, or post one and return the answer.
  async fetchJson(url, body) {
    const headers = { "Content-Type": "application/json", "X-Token": Report.review.token };
    const response = await fetch(url, body ? { method: "POST", headers, body: JSON.stringify(body) } : {});
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error.slice(0, 300));
    return answer;
  },

  warn(text) {
    byId("message").textContent = text;
    byId("message").hidden = false;
  },

  // Show a saved decision.
  apply(decision) {
    const { index } = Report;
    if (!index.classNames.includes(decision.class)) {
      index.classNames.push(decision.class);
      byId("class").append(createOption(index.classNames.length - 1, decision.class));
    }
    index.classId[decision.detection] = index.classNames.indexOf(decision.class);
    index.verdict[decision.detection] = decision.verdict;
    const card = Gallery.cardOf(decision.detection);
    if (card) Gallery.updateCard(card, decision.detection);
  },

  // Show totals and progress after decisions.
  update() {
    Overview.showTotals(Overview.countTotals());
    const numbers = [...Report.objectOf.keys()];
    const decided = numbers.filter((number) => Report.index.verdict[number] !== "undecided").length;
    byId("progress").textContent = `${decided} of ${numbers.length} objects reviewed`;
  },
};
