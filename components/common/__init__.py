"""The kit that components are written with.

A component is a configuration (`config`), a function that says who handles what (`component`,
`disco`, `about`, `delegation`, `privilege`, `multicast`) and a program of both (`tap`).
`stream` and what it stands on (`reader`, `stanza`, `acks`) know no I/O; `connection` and `link`
carry it. `components/echo` is the smallest there is.
"""
