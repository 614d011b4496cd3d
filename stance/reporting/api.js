// The description of the HTTP interface needs no script.
