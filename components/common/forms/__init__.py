"""Data forms (XEP-0004): declared as a table of typed fields, shown, and read when submitted.

`form` has the form itself, `fields` the types of fields that it is made of, `values` what they
hold, and `submission` what was sent. `datatypes` and `validation` say which values a field may
have (XEP-0122), `layout` on which page it stands (XEP-0141).
"""
