// What a machine can see of whether everybody can use the page: names of controls, headings, alternatives, order.
const all = (selector) => [...document.querySelectorAll(selector)];
const name = (node) =>
  node.getAttribute("aria-label") || [...(node.labels || [])].map((one) => one.textContent).join(" ") || node.textContent;
const seen = (node) => node.checkVisibility();
const levels = all("h1, h2, h3, h4, h5, h6").filter(seen).map((node) => Number(node.tagName[1]));
return {
  unnamed: all("button, a, input, select, summary, [tabindex='0']").filter((node) => !name(node).trim()).map((node) => node.outerHTML.slice(0, 80)),
  headings: levels.filter((level, place) => level > (levels[place - 1] || 0) + 1),
  first: levels.filter((level) => level === 1).length,
  images: all("img").filter((node) => !node.alt).length,
  jumps: all("[tabindex]").filter((node) => node.tabIndex > 0).length,
  language: document.documentElement.lang,
  small: all("button, a, select, input").filter(seen).filter((node) => node.getBoundingClientRect().height < 12).length,
};
