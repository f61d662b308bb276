// The survey's data. The scripts in data/ pass them to the methods below: a page opened as a file may not use fetch.
"use strict";
const Report = {
  MAX_PARTS: 100, // parts in memory; the oldest is dropped, so that a long survey does not fill it
  parts: new Map(), // number of a part → promise of its columns and frames
  resolvers: new Map(), // number of a part → function that resolves that promise
  objectOf: new Map(), // number of an object's best detection → the object

  setSurvey(survey) {
    this.survey = survey;
    for (const object of survey.objects) this.objectOf.set(object.detection, object);
  },

  // One array per property; the position in it is the number of the detection.
  setIndex(index) {
    this.index = index;
    index.verdict = index.verdict.map((verdict) => index.verdictNames[verdict]);
  },

  setReview(review) { this.review = review; },

  addPart(number, part) { this.resolvers.get(number)(part); },

  count() { return this.index.source.length; },

  // The frame that shows a detection, and the detection's rank in it.
  async detection(number) {
    const { columns, frames } = await this.load(this.index.partStarts.findLastIndex((start) => start <= number));
    const frame = frames.findLast(({ first }) => first <= number);
    // A part keeps arrays of values, which take less memory than objects.
    const detections = frame.detections.map(
      (values) => Object.fromEntries(columns.map((column, index) => [column, values[index]])));
    return { frame: { ...frame, detections }, rank: number - frame.first };
  },

  load(number) {
    if (!this.parts.has(number)) {
      if (this.parts.size >= this.MAX_PARTS) this.parts.delete(this.parts.keys().next().value);
      this.parts.set(number, new Promise((resolve, reject) => {
        this.resolvers.set(number, resolve);
        const script = document.createElement("script");
        script.src = `data/part-${String(number).padStart(5, "0")}.js`;
        script.onload = () => script.remove();
        script.onerror = () => reject(new Error(`${script.src} is missing`));
        document.head.append(script);
      }));
    }
    return this.parts.get(number);
  },

  classOf(number) { return this.index.classNames[this.index.classId[number]]; },

  labelOf(number) { return `${this.classOf(number)} ${this.index.score[number].toFixed(2)}`; },

  titleOf(frame) { return `${this.survey.sources[frame.source]} · ${frame.position}`; },
};
