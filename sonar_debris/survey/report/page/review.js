// Review with the keyboard, if the page is served by `survey review`.
"use strict";
const Review = {
  VERDICTS: { a: "accepted", r: "rejected", u: "undecided" }, // by key

  start() {
    if (!Report.review.token) return;
    if (Report.review.count !== Report.count()) {
      this.warn("Detections were added while the report was written. Start the review again.");
      return;
    }
    byId("help").hidden = false;
    for (const decision of Report.review.decisions) this.apply(decision);
    for (const name of new Set([...Report.survey.classes, ...Report.index.classNames])) {
      byId("class-names").append(createOption(name, ""));
    }
    document.addEventListener("keydown", (event) => this.handleKey(event));
    byId("relabel").addEventListener("close", () => {
      const name = byId("new-class").value.trim();
      if (byId("relabel").returnValue === "save" && name) this.decide(this.relabelled, "accepted", name);
      byId("relabel").returnValue = "";
    });
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
      this.decide(number, this.VERDICTS[event.key], Report.classOf(number));
      cards[index + 1]?.focus();
    } else if (index >= 0 && event.key === "c") {
      event.preventDefault();
      this.relabelled = Number(cards[index].dataset.number);
      byId("new-class").value = "";
      byId("relabel").showModal();
    }
  },

  // Number of cards in a row of the gallery.
  columns(cards) { return cards.filter((card) => card.offsetTop === cards[0].offsetTop).length || 1; },

  async decide(number, verdict, name) {
    // A decision made in the gallery of objects is on all sightings of the object.
    const decision = { detection: number, verdict, class: name, object: byId("what").value === "objects" };
    const headers = { "Content-Type": "application/json", "X-Token": Report.review.token };
    try {
      const response = await fetch("decisions", { method: "POST", headers, body: JSON.stringify(decision) });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error.slice(0, 300));
      for (const changed of answer.decisions) this.apply(changed);
      byId("message").hidden = true;
    } catch (error) {
      this.warn(`The decision was not saved: ${error.message}`);
    }
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
};
