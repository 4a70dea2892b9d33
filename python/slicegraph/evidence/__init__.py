"""What lower bounds rest on, as certificates keep it: the prover's half of a certificate."""
