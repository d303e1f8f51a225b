//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"tarasul/loadtest"
	"tarasul/loadtest/floor"
)

func TestTheFloorIsATableForPeopleAndJSONForPrograms(t *testing.T) {
	var out, said bytes.Buffer
	code := run(context.Background(), []string{"floor", "--rounds", "1", "--targets", "loopback", "--json", "-"}, &out, &said)
	var found floor.Result
	if err := json.Unmarshal(out.Bytes(), &found); code != exitGood || err != nil || found.Target(floor.Loopback) == nil || found.Seal <= 0 {
		t.Errorf("%d, %v: %s", code, err, out.String())
	}
	if !strings.Contains(said.String(), "seal + send") {
		t.Errorf("the table: %s", said.String())
	}
	if code, said := line("floor", "--targets", "moon"); code != exitUsage || !strings.Contains(said, `"moon"`) {
		t.Errorf("%d: %s", code, said)
	}
}

func TestTheFloorIsMeasuredForReportsAndWhereItIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		args []string
		want bool
	}{
		{nil, false}, {[]string{"--json", "-"}, true}, {[]string{"--html", "x"}, true}, {[]string{"--floor"}, true}, {[]string{"--json", "-", "--floor=false"}, false},
	} {
		var m loadtest.Meeting
		f := meetingFlags(&m)
		if err := f.parse(test.args); err != nil {
			t.Fatal(err)
		}
		if f.complete(&m); m.Floor != test.want {
			t.Errorf("%v: %v", test.args, m.Floor)
		}
	}
}
