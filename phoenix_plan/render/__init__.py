"""From plans and states to what people read: text, markdown, and one live line of progress."""
