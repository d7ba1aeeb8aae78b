// The demo backend's page: one file, no outside resource.
#pragma once

#include <string_view>

namespace passerelle::cli {

inline constexpr std::string_view demo_page = R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Passerelle: chat</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #1b1f24; background: #fbfaf8; }
  h1 { font-size: 1.3rem; margin: 0 0 .3rem; }
  #state { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; background: #e7e3da; font-size: .9rem; }
  #state.open { background: #cdeccf; }
  #log { border: 1px solid #d8d3c8; border-radius: .4rem; background: #fff; height: 18rem; overflow: auto; padding: .6rem .8rem; margin: 1rem 0; }
  #log p { margin: .15rem 0; }
  form { display: flex; gap: .5rem; }
  input { flex: 1; font: inherit; padding: .5rem .7rem; border: 1px solid #bbb5a8; border-radius: .4rem; }
  button { font: inherit; padding: .5rem 1rem; border: 0; border-radius: .4rem; background: #14532d; color: #fff; cursor: pointer; }
</style>
<h1>A WebSocket through Passerelle</h1>
<p>This page and its socket came through the gateway. Open it twice and talk. <span id="state">connecting</span></p>
<div id="log" role="log" aria-live="polite"></div>
<form id="form"><input id="text" autocomplete="off" aria-label="Message" placeholder="Say something"><button>Send</button></form>
<script>
  const state = document.getElementById('state'), log = document.getElementById('log'), text = document.getElementById('text');
  const say = line => { const p = document.createElement('p'); p.textContent = line; log.append(p); log.scrollTop = log.scrollHeight; };
  let socket, pause = 500;
  function connect() {
    socket = new WebSocket((location.protocol === 'https:' ? 'wss://' : 'ws://') + location.host + '/chat', ['chat', 'superchat']);
    socket.onopen = () => { state.textContent = 'open, subprotocol ' + socket.protocol; state.className = 'open'; pause = 500; };
    socket.onmessage = event => say(event.data);
    socket.onclose = event => {
      state.textContent = 'closed (' + event.code + '), trying again'; state.className = '';
      setTimeout(connect, pause * (0.5 + Math.random())); pause = Math.min(pause * 2, 10000);
    };
  }
  document.getElementById('form').onsubmit = event => { event.preventDefault(); if (text.value && socket.readyState === 1) { socket.send(text.value); text.value = ''; } };
  connect();
</script>
</html>
)html";

}  // namespace passerelle::cli
