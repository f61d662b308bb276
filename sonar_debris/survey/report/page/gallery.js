// The gallery: crops of the selected detections, page by page.
"use strict";
const Gallery = {
  PAGE_SIZE: 60,
  CROP_WIDTH: 180,
  CROP_HEIGHT: 160,
  numbers: [], // of the selected detections
  first: 0, // index in numbers of the first one on the page

  start() {
    byId("previous").onclick = () => this.turn(-1);
    byId("next").onclick = () => this.turn(1);
    byId("cards").addEventListener("click", (event) => {
      const card = event.target.closest(".card");
      if (card) FrameView.open(Number(card.dataset.number));
    });
    byId("cards").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches(".card")) event.target.click();
    });
    this.show(0);
  },

  turn(pages) {
    const first = this.first + pages * this.PAGE_SIZE;
    if (first >= 0 && first < this.numbers.length) return this.show(first);
  },

  async show(first) {
    this.numbers = Filters.selection();
    this.first = first;
    const numbers = this.numbers.slice(first, first + this.PAGE_SIZE);
    byId("page").textContent = numbers.length
      ? `${first + 1} to ${first + numbers.length} of ${this.numbers.length}`
      : "No detections match the filters";
    byId("previous").disabled = first === 0;
    byId("next").disabled = first + this.PAGE_SIZE >= this.numbers.length;
    const cards = await Promise.all(numbers.map((number) => this.createCard(number)));
    // The filters or the page may have changed while the parts were loaded.
    if (this.first === first && numbers.every((number, index) => number === this.numbers[first + index])) {
      byId("cards").replaceChildren(...cards);
    }
  },

  async createCard(number) {
    const { frame, rank } = await Report.detection(number);
    const card = createElement("div");
    card.tabIndex = 0;
    card.setAttribute("role", "button");
    card.dataset.number = number;
    const object = byId("what").value === "objects" && Report.objectOf.get(number);
    const title = object ? `${object.frames} frames · ${Report.titleOf(frame)}` : Report.titleOf(frame);
    card.append(
      createCrop(frame, frame.detections[rank], this.CROP_WIDTH, this.CROP_HEIGHT),
      createElement("span"), createElement("span", title, "small"), createElement("b"));
    if (Review.isOpen) card.append(this.createButtons());
    card.title = title;
    this.updateCard(card, number);
    return card;
  },

  // Show the current class and verdict of a detection on its card.
  updateCard(card, number) {
    card.className = `card ${Report.index.verdict[number]}`;
    card.children[1].textContent = Report.labelOf(number);
    card.children[3].textContent = Report.index.verdict[number] === "undecided" ? "" : Report.index.verdict[number];
  },

  // Buttons of a card in review, for screens without a keyboard.
  createButtons() {
    const buttons = createElement("div", "", "buttons");
    for (const [text, verdict] of [["Accept", "accepted"], ["Reject", "rejected"], ["Class…", ""], ["Undo", "undecided"]]) {
      const button = createElement("button", text);
      button.type = "button";
      button.dataset.verdict = verdict;
      buttons.append(button);
    }
    return buttons;
  },

  cardOf(number) { return byId("cards").querySelector(`[data-number="${number}"]`); },
};
