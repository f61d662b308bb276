// A page of crops at a time.
"use strict";
const Gallery = {
  SIZE: 60,
  numbers: [],
  first: 0,

  start() {
    byId("previous").onclick = () => this.turn(-1);
    byId("next").onclick = () => this.turn(1);
    byId("cards").addEventListener("click", (event) => {
      const card = event.target.closest(".card");
      if (card) FrameView.open(Number(card.dataset.number));
    });
    this.show(0);
  },

  turn(pages) {
    const first = this.first + pages * this.SIZE;
    if (first >= 0 && first < this.numbers.length) return this.show(first);
  },

  async show(first) {
    this.numbers = Filters.chosen();
    this.first = first;
    const shown = this.numbers.slice(first, first + this.SIZE);
    byId("page").textContent = shown.length
      ? `${first + 1} to ${first + shown.length} of ${this.numbers.length}`
      : "nothing matches";
    byId("previous").disabled = first === 0;
    byId("next").disabled = first + this.SIZE >= this.numbers.length;
    const cards = await Promise.all(shown.map((number) => this.card(number)));
    // By now something else may have been asked for.
    if (this.first === first && shown.every((number, at) => number === this.numbers[first + at])) {
      byId("cards").replaceChildren(...cards);
    }
  },

  async card(number) {
    const { frame, rank } = await Report.detection(number);
    const card = element("button");
    card.type = "button";
    card.dataset.number = number;
    const object = byId("what").value === "objects" && Report.objectOf.get(number);
    const place = object ? `${object[3]} frames · ${Report.placeOf(frame)}` : Report.placeOf(frame);
    card.append(crop(frame, frame.detections[rank], 180, 160), element("span"), element("span", place, "small"));
    card.title = place;
    this.label(card, number);
    return card;
  },

  // Write on a card what is now known of its detection.
  label(card, number) {
    const { score, verdict } = Report.found;
    card.className = `card ${verdict[number]}`;
    card.children[1].textContent = `${Report.nameOf(number)} ${score[number].toFixed(2)}`;
  },

  cardOf(number) { return byId("cards").querySelector(`[data-number="${number}"]`); },
};
