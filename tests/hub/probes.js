// Every way out of a page that we know of. Each tells the listener its name, if it gets there.
// `way(name)` is an address of the listener; `udp` counts datagrams, `silent` mere connections.
(async (listener, socket, udp, silent) => {
  const way = (name) => `${listener}/arrive/${name}`;
  const add = (html) => {
    const box = document.createElement("div");
    box.innerHTML = html;
    document.body.append(box);
    return box;
  };
  const element = (tag, attributes) => {
    const made = Object.assign(document.createElement(tag), attributes);
    document.head.append(made);
    return made;
  };
  const link = (rel, name, more = {}) => element("link", { rel, href: way(name), ...more });
  const style = (text) => { element("style", { textContent: text }); };
  const blob = (text, type) => URL.createObjectURL(new Blob([text], { type }));
  const frame = (attributes) => {
    const made = document.createElement("iframe");
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    document.body.append(made);
    return made;
  };
  const form = (name, method, target) => {
    const made = Object.assign(document.createElement("form"), { action: way(name), method, target });
    made.innerHTML = '<input name="d" value="1">';
    document.body.append(made);
    made.submit();
  };
  const click = (name, more) => {
    const made = Object.assign(document.createElement("a"), { href: way(name), textContent: "x", ...more });
    document.body.append(made);
    made.click();
  };

  const probes = {
    fetch: () => fetch(way("fetch"), { mode: "no-cors" }),
    "fetch-keepalive": () => fetch(way("fetch-keepalive"), { mode: "no-cors", keepalive: true }),
    "fetch-post": () => fetch(way("fetch-post"), { mode: "no-cors", method: "POST", body: "d" }),
    xhr: () => { const x = new XMLHttpRequest(); x.open("GET", way("xhr")); x.send(); },
    websocket: () => { new WebSocket(`${socket}/arrive/websocket`); },
    eventsource: () => { new EventSource(way("eventsource")); },
    beacon: () => { navigator.sendBeacon(way("beacon"), "d"); },
    image: () => { new Image().src = way("image"); },
    "image-element": () => { add(`<img src="${way("image-element")}">`); },
    srcset: () => { add(`<img srcset="${way("srcset")} 1x">`); },
    picture: () => { add(`<picture><source srcset="${way("picture")}"><img></picture>`); },
    "input-image": () => { add(`<input type="image" src="${way("input-image")}">`); },
    "body-background": () => { add(`<table background="${way("body-background")}"><tr><td>x</table>`); },
    "svg-image": () => { add(`<svg width="9" height="9"><image href="${way("svg-image")}" width="9" height="9"/></svg>`); },
    "svg-use": () => { add(`<svg><use href="${way("svg-use")}#a"/></svg>`); },
    "svg-feimage": () => { add(`<svg width="9" height="9"><filter id="fi"><feImage href="${way("svg-feimage")}"/></filter><rect width="9" height="9" filter="url(#fi)"/></svg>`); },
    script: () => { element("script", { src: way("script") }); },
    "script-module": () => { element("script", { type: "module", src: way("script-module") }); },
    import: () => import(way("import")),
    stylesheet: () => { link("stylesheet", "stylesheet"); },
    preload: () => { link("preload", "preload", { as: "image" }); },
    "preload-script": () => { link("preload", "preload-script", { as: "script" }); },
    "preload-fetch": () => { link("preload", "preload-fetch", { as: "fetch", crossOrigin: "anonymous" }); },
    "preload-font": () => { link("preload", "preload-font", { as: "font", crossOrigin: "anonymous" }); },
    modulepreload: () => { link("modulepreload", "modulepreload"); },
    prefetch: () => { link("prefetch", "prefetch"); },
    prerender: () => { link("prerender", "prerender"); },
    preconnect: () => { element("link", { rel: "preconnect", href: silent }); },
    icon: () => { link("icon", "icon"); },
    manifest: () => { link("manifest", "manifest"); },
    speculation: () => {
      const rules = { prefetch: [{ urls: [way("speculation")], eagerness: "immediate" }] };
      element("script", { type: "speculationrules", textContent: JSON.stringify(rules) });
    },
    "speculation-prerender": () => {
      const rules = { prerender: [{ urls: [way("speculation-prerender")], eagerness: "immediate" }] };
      element("script", { type: "speculationrules", textContent: JSON.stringify(rules) });
    },
    "css-import": () => { style(`@import url("${way("css-import")}");`); },
    "css-background": () => { style(`body { background-image: url("${way("css-background")}"); }`); },
    "css-content": () => { style(`body::after { content: url("${way("css-content")}"); }`); },
    "css-cursor": () => { style(`body { cursor: url("${way("css-cursor")}"), auto; }`); },
    "css-border": () => { style(`body { border: 1px solid; border-image: url("${way("css-border")}") 1; }`); },
    "css-list": () => { add("<ul><li class='pl'>x</ul>"); style(`.pl { display: list-item; list-style-image: url("${way("css-list")}"); }`); },
    "css-mask": () => { style(`body { mask-image: url("${way("css-mask")}"); }`); },
    "css-filter": () => { style(`body { filter: url("${way("css-filter")}#f"); }`); },
    "css-font": () => { style(`@font-face { font-family: pf; src: url("${way("css-font")}"); } body { font-family: pf; }`); },
    "font-face": () => { const f = new FontFace("pg", `url("${way("font-face")}")`); document.fonts.add(f); return f.load(); },
    "inline-style": () => { add(`<p style="background: url('${way("inline-style")}')">x</p>`); },
    video: () => { add(`<video src="${way("video")}" preload="auto" autoplay muted></video>`); },
    poster: () => { add(`<video poster="${way("poster")}"></video>`); },
    audio: () => { add(`<audio src="${way("audio")}" preload="auto"></audio>`); },
    track: () => { add(`<video src="data:video/mp4;base64,AA" crossorigin="anonymous"><track default src="${way("track")}"></video>`).firstChild.textTracks[0].mode = "showing"; },
    object: () => { add(`<object data="${way("object")}" type="text/html"></object>`); },
    embed: () => { add(`<embed src="${way("embed")}" type="text/html">`); },
    iframe: () => { frame({ src: way("iframe") }); },
    "frame-srcdoc": () => { frame({ srcdoc: `<img src="${way("frame-srcdoc")}">` }); },
    "frame-data": () => { frame({ src: `data:text/html,<img src="${way("frame-data")}">` }); },
    "frame-blob": () => { frame({ src: blob(`<img src="${way("frame-blob")}">`, "text/html") }); },
    "frame-script": () => { frame({ srcdoc: `<script>fetch("${way("frame-script")}", {mode: "no-cors"})</` + "script>" }); },
    "frame-javascript": () => { frame({ src: `javascript:fetch("${way("frame-javascript")}",{mode:"no-cors"})` }); },
    "frame-refresh": () => { frame({ srcdoc: `<meta http-equiv="refresh" content="0;url=${way("frame-refresh")}">` }); },
    "frame-location": () => { frame({ srcdoc: "x" }).contentWindow.location = way("frame-location"); },
    "frame-no-csp": () => { const f = frame({ sandbox: "allow-scripts" }); f.srcdoc = `<script>new Image().src="${way("frame-no-csp")}"</` + "script>"; },
    "meta-csp-report": () => {
      frame({ srcdoc: `<meta http-equiv="Content-Security-Policy" content="img-src 'none'; report-uri ${way("meta-csp-report")}"><img src="data:,x">` });
    },
    "form-get": () => { frame({ name: "fg" }); form("form-get", "get", "fg"); },
    "form-post": () => { frame({ name: "fp" }); form("form-post", "post", "fp"); },
    "form-top": () => { form("form-top", "get", "_top"); },
    "form-blank": () => { form("form-blank", "post", "_blank"); },
    "window-open": () => { window.open(way("window-open")); },
    "window-open-noopener": () => { window.open(way("window-open-noopener"), "_blank", "noopener"); },
    "click-blank": () => { click("click-blank", { target: "_blank" }); },
    "click-top": () => { click("click-top", { target: "_top" }); },
    "click-parent": () => { click("click-parent", { target: "_parent" }); },
    "click-download": () => { click("click-download", { download: "x" }); },
    ping: () => { click("ping-target", { ping: way("ping"), target: "_blank" }); },
    "top-location": () => { if (top === window) throw new Error("is top"); top.location = way("top-location"); },
    "parent-location": () => { if (top === window) throw new Error("is top"); parent.location.replace(way("parent-location")); },
    worker: () => { new Worker(way("worker")); },
    "worker-import": () => { new Worker(blob(`importScripts("${way("worker-import")}")`, "text/javascript")); },
    "worker-fetch": () => { new Worker(blob(`fetch("${way("worker-fetch")}", {mode: "no-cors"})`, "text/javascript")); },
    "worker-data": () => { new Worker(`data:text/javascript,fetch("${way("worker-data")}",{mode:"no-cors"})`); },
    "worker-socket": () => { new Worker(blob(`new WebSocket("${socket}/arrive/worker-socket")`, "text/javascript")); },
    "shared-worker": () => { new SharedWorker(blob(`importScripts("${way("shared-worker")}")`, "text/javascript")); },
    "service-worker": () => navigator.serviceWorker.register(way("service-worker")),
    worklet: () => CSS.paintWorklet.addModule(way("worklet")),
    "audio-worklet": () => new OfflineAudioContext(1, 1, 8000).audioWorklet.addModule(way("audio-worklet")),
    wasm: () => WebAssembly.compileStreaming(fetch(way("wasm"), { mode: "no-cors" })),
    "base-image": () => { element("base", { href: way("") }); add('<img src="base-image">'); },
    webrtc: async () => {
      const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:${udp}` }] });
      peer.createDataChannel("d");
      await peer.setLocalDescription(await peer.createOffer());
    },
    "webrtc-turn": async () => {
      const peer = new RTCPeerConnection({ iceServers: [{ urls: `turn:${udp}`, username: "d", credential: "d" }] });
      peer.createDataChannel("d");
      await peer.setLocalDescription(await peer.createOffer());
    },
  };
  // What takes the page away comes last: nothing else would have the time to leave.
  const names = Object.keys(probes);
  const leaving = names.filter((name) => /^(form-top|form-blank|click-|ping|top-|parent-)/.test(name));
  const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });
  const tryAll = (some) => {
    for (const name of some) {
      try {
        const made = probes[name]();
        if (made && made.catch) made.catch(() => {});
      } catch { /* a refusal is what we hope for */ }
    }
  };
  window.probesTried = names;
  tryAll(names.filter((name) => !leaving.includes(name)));
  await pause(2000);
  tryAll(leaving);
  return names;
})
