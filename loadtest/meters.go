//go:build linux && (amd64 || arm64)

package loadtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Meters are the server's own counters (Prometheus), by name with labels as it writes them.
type Meters map[string]float64

// readMeters reads the metrics at an operators' address such as http://127.0.0.1:9090.
func readMeters(ctx context.Context, address string) (Meters, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", request.URL, response.Status)
	}
	return parseMeters(io.LimitReader(response.Body, 8<<20))
}

// parseMeters reads the text format: comments, and lines of a name, labels and a value.
func parseMeters(r io.Reader) (Meters, error) {
	m := Meters{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		// Labels may hold spaces; the value follows them.
		split := strings.LastIndexByte(line, '}') + 1
		if split == 0 {
			split = strings.IndexByte(line, ' ')
		}
		if split <= 0 {
			continue
		}
		fields := strings.Fields(line[split:])
		if len(fields) == 0 {
			continue
		}
		if value, err := strconv.ParseFloat(fields[0], 64); err == nil {
			m[line[:split]] = value
		}
	}
	return m, lines.Err()
}

// since gives what has changed since former, without what has not, and without the buckets of histograms.
func (m Meters) since(former Meters) Meters {
	changed := Meters{}
	for name, value := range m {
		if d := value - former[name]; d != 0 && !strings.Contains(name, "_bucket{") {
			changed[name] = d
		}
	}
	return changed
}

// of picks the meters whose names begin so.
func (m Meters) of(prefixes ...string) Meters {
	picked := Meters{}
	for name, value := range m {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			picked[name] = value
		}
	}
	return picked
}
