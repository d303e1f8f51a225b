package speaker

import "math"

// scores are the logarithms of the speech activity scores for each number of active parts that a window can have.
type scores struct {
	immediate [steps + 1]float32
	medium    [blockFrames + 1]float32
	long      [blocks + 1]float32
}

func newScores() scores {
	var s scores
	for i := range s.immediate {
		s.immediate[i] = score(steps, i, 0.78)
	}
	for i := range s.medium {
		s.medium[i] = score(blockFrames, i, 24)
	}
	for i := range s.long {
		s.long[i] = score(blocks, i, 47)
	}
	return s
}

// score is the logarithm of the score of active parts out of all. The score itself is a log-likelihood: of that many active
// parts by chance, each with probability 1/2, against speech, under which more are exponentially likelier with rate lambda.
// One below least is no speech at all.
func score(all, active int, lambda float64) float32 {
	const least = 1e-10
	choose := func(n float64) float64 { v, _ := math.Lgamma(n + 1); return v }
	n, k := float64(all), float64(active)
	v := choose(n) - choose(k) - choose(n-k) + n*math.Log(0.5) - math.Log(lambda) + lambda*k
	return float32(math.Log(max(v, least)))
}
