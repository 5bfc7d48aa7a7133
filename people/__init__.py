"""People, their photos and consent: enrolment, training, erasure."""
