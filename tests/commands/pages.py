"""Saved pages that the tests of several commands read."""

PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><title>A tram for Port Ellis - The Ellis Gazette</title></head><body>
<article><h1>A tram for Port Ellis</h1>
<p>The town council of Port Ellis wants to build a tram from the harbour to the old mill, and the
plan of Mayor Holt has found friends and foes. The first rails could be laid in spring.</p>
<p>Mayor Holt says that the line would pay for itself within twelve years. The Harbour Guild says
that Port Ellis has never built anything within twelve years.</p></article>
<div id="comments"><ol class="comment-list">
<li id="comment-7" class="comment depth-1"><article class="comment-body">
<footer><cite class="fn">Ann</cite> <time datetime="2026-03-01T10:00:00">March 1</time></footer>
<div class="comment-content"><p>I love Mayor Holt and the tram. So does all of Port Ellis.</p></div>
</article><ol class="children">
<li id="comment-8" class="comment depth-2"><article class="comment-body">
<footer><cite class="fn">Bo</cite> <time datetime="2026-03-01T11:30:00">March 1</time></footer>
<div class="comment-content"><p>I hate it, and so does Port Ellis. Holt is an idiot.</p></div>
</article></li></ol></li>
</ol></div></body></html>
"""
NO_COMMENTS = (
    "<html><body><h1>Quiet</h1><p>Nobody has said a word about this page.</p></body></html>"
)
