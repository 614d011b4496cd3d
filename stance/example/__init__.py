"""An invented page, as a text dump and as HTML: what the README shows and the tests read."""
