"""What a message is: rules, templates, columns, rejects, encryption of bodies. Imports no other package of ours."""
