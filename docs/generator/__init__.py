"""What is made from the code: the schemas of our own documents, and the reference pages."""
