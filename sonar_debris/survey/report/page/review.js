// Judging detections with the keyboard, where the page is served by `survey review`.
"use strict";
const Review = {
  VERDICTS: { a: "accepted", r: "rejected", u: "undecided" },

  start() {
    if (!Report.session.token) return;
    byId("help").hidden = false;
    const verdicts = Object.fromEntries(Object.entries(this.VERDICTS).map(([letter, verdict]) => [verdict, letter]));
    for (const [number, verdict, name] of Report.session.decisions) this.note(number, verdicts[verdict], name);
    for (const name of new Set([...Report.about.classes, ...Report.found.names])) byId("class-names").append(option(name, ""));
    document.addEventListener("keydown", (event) => this.press(event));
    byId("relabel").addEventListener("close", () => {
      const name = byId("new-class").value.trim();
      if (byId("relabel").returnValue === "store" && name) this.decide(this.relabelled, "a", name);
      byId("relabel").returnValue = "";
    });
  },

  press(event) {
    const typing = event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey || event.altKey;
    if (typing) return;
    const cards = [...byId("cards").children];
    const at = cards.indexOf(document.activeElement);
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns(cards), ArrowDown: this.columns(cards) };
    if (event.key in moves) {
      event.preventDefault();
      cards[at < 0 ? 0 : Math.max(0, Math.min(cards.length - 1, at + moves[event.key]))]?.focus();
    } else if (event.key === "n" || event.key === "p") {
      Gallery.turn(event.key === "n" ? 1 : -1);
    } else if (at >= 0 && event.key in this.VERDICTS) {
      const number = Number(cards[at].dataset.number);
      this.decide(number, event.key, Report.nameOf(number));
      cards[at + 1]?.focus();
    } else if (at >= 0 && event.key === "c") {
      event.preventDefault();
      this.relabelled = Number(cards[at].dataset.number);
      byId("new-class").value = "";
      byId("relabel").showModal();
    }
  },

  // How many cards stand side by side.
  columns(cards) { return cards.filter((card) => card.offsetTop === cards[0].offsetTop).length || 1; },

  async decide(number, verdict, name) {
    const body = JSON.stringify({ detection: number, verdict: this.VERDICTS[verdict], class: name });
    const headers = { "Content-Type": "application/json", "X-Token": Report.session.token };
    try {
      const answer = await fetch("decisions", { method: "POST", headers, body });
      if (!answer.ok) throw new Error((await answer.text()).slice(0, 200));
      this.note(number, verdict, name);
      byId("message").hidden = true;
    } catch (error) {
      byId("message").textContent = `not stored: ${error.message}`;
      byId("message").hidden = false;
    }
  },

  note(number, verdict, name) {
    const { names } = Report.found;
    if (!names.includes(name)) {
      names.push(name);
      byId("class").append(option(names.length - 1, name));
    }
    Report.found.name[number] = names.indexOf(name);
    Report.found.verdict[number] = verdict;
    const card = Gallery.cardOf(number);
    if (card) Gallery.label(card, number);
  },
};
