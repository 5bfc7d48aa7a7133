// A map of the places that a list on the page names (data-latitude, data-longitude). It needs no tiles: without a source
// of them it draws a grid of coordinates.
"use strict";

const canvas = document.getElementById("map");

// Lines of latitude and longitude at round numbers, about six to a screen.
const Graticule = L.LayerGroup.extend({
  onAdd(map) {
    L.LayerGroup.prototype.onAdd.call(this, map);
    map.on("moveend", this.draw, this);
    this.draw();
  },
  draw() {
    this.clearLayers();
    const bounds = this._map.getBounds().pad(0.5);
    const span = Math.max(bounds.getEast() - bounds.getWest(), 1e-4) / 12;
    const step = [1, 2, 5, 10].map((one) => one * 10 ** Math.floor(Math.log10(span))).find((one) => one >= span);
    const line = (ends) => L.polyline(ends, { color: "#7c8a94", weight: 1, opacity: 0.45, interactive: false }).addTo(this);
    for (let x = Math.ceil(bounds.getWest() / step) * step; x <= bounds.getEast(); x += step) {
      line([[bounds.getSouth(), x], [bounds.getNorth(), x]]);
    }
    for (let y = Math.ceil(bounds.getSouth() / step) * step; y <= bounds.getNorth(); y += step) {
      line([[y, bounds.getWest()], [y, bounds.getEast()]]);
    }
  },
});

const element = (name, properties) => Object.assign(document.createElement(name), properties);

const markerOf = ({ dataset }) => {
  const html = element("div", { className: "place" });
  const faces = dataset.faces.trim().split(" ").filter(Boolean);
  if (faces.length) {
    const row = element("div", { className: "faces" });
    row.append(...faces.map((src) => element("img", { src, alt: "" })));
    html.append(row);
  } else html.append(element("i", { textContent: dataset.count, className: dataset.count === "0" ? "none" : "" }));
  html.append(element("span", { textContent: faces.length ? `${dataset.name} · ${dataset.count}` : dataset.name }));
  const icon = L.divIcon({ html, className: "", iconSize: null });
  return L.marker([dataset.latitude, dataset.longitude], { icon, title: dataset.name, alt: dataset.name, keyboard: false, riseOnHover: true });
};

if (canvas) {
  const map = L.map(canvas, { zoomSnap: 0.5, scrollWheelZoom: false });
  const markers = L.layerGroup().addTo(map);
  const listed = () => [...document.querySelectorAll("[data-latitude]")];
  const show = () => {
    markers.clearLayers();
    for (const one of listed()) {
      const marker = markerOf(one).addTo(markers);
      const link = one.querySelector("a[href]");
      if (link) marker.on("click", () => link.click());
    }
  };
  map.attributionControl.setPrefix("Leaflet");
  L.control.scale().addTo(map);
  map.fitBounds(listed().map(({ dataset }) => [dataset.latitude, dataset.longitude]), { padding: [60, 60], maxZoom: 16 });
  if (canvas.dataset.tiles) L.tileLayer(canvas.dataset.tiles, { attribution: canvas.dataset.attribution }).addTo(map);
  else new Graticule().addTo(map);
  show();
  document.addEventListener("htmx:afterSwap", show);
}
