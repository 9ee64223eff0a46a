"""What the interop tests stand on: certificates, programs, peers. The tests themselves hold the story."""
