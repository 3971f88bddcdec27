"""What nodes are and who may do what with them: values that know no stanza and no store."""
