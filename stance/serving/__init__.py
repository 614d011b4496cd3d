"""The HTTP server: the Perspective-compatible API, stance's own, and the page.

`stance.serving.app.create_app` makes the application, `stance.serving.server.serve` runs it. A
request passes the guards of `guards` (key, size, time), then its route in `perspective`, `own` or
`page`, which scores through the one `Scorer` of the application; that hands texts to the `Batcher`,
where those of all clients share the passes of the model.
"""
