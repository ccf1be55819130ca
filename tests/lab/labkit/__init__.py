"""The lab's tools: build guests with real OpenZFS, boot them, run a case, look at the disks from outside."""
