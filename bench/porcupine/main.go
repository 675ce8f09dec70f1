// Times Porcupine on histories in our JSON lines: `main SECONDS FILE...` prints a verdict and milliseconds for each file.
// Writes of unknown outcome that nobody has read are left out first, as any careful user of it would.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"
)

type line struct {
	Client  int             `json:"client"`
	Op      string          `json:"op"`
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
	Call    int64           `json:"call"`
	Return  *int64          `json:"return"`
	Outcome string          `json:"outcome"`
}

type input struct{ op, key, value, expected string }
type output struct {
	value   string
	unknown bool
}

// The absent key; no value is empty in what is measured.
const absent = ""

func step(state, in, out interface{}) (bool, interface{}) {
	i, o, s := in.(input), out.(output), state.(string)
	switch i.op {
	case "get":
		return o.value == s, s
	case "cas":
		if i.expected == s {
			return true, i.value
		}
		return o.unknown, s
	default:
		return true, i.value
	}
}

var model = porcupine.Model{
	Init: func() interface{} { return absent },
	Step: step,
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, operation := range history {
			key := operation.Input.(input).key
			byKey[key] = append(byKey[key], operation)
		}
		parts := [][]porcupine.Operation{}
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
}

func text(raw json.RawMessage) string {
	var value *string
	if json.Unmarshal(raw, &value) != nil || value == nil {
		return absent
	}
	return *value
}

func read(file string) []porcupine.Operation {
	reader, err := os.Open(file)
	if err != nil {
		panic(err)
	}
	defer reader.Close()
	lines := []line{}
	seen := map[string]bool{}
	scanner := bufio.NewScanner(reader)
	latest := int64(0)
	for scanner.Scan() {
		var one line
		if err := json.Unmarshal(scanner.Bytes(), &one); err != nil {
			panic(err)
		}
		lines = append(lines, one)
		if one.Call > latest {
			latest = one.Call
		}
		if one.Return != nil && *one.Return > latest {
			latest = *one.Return
		}
		if one.Op == "get" {
			seen[one.Key+"\x00"+text(one.Value)] = true
		} else if one.Op == "cas" {
			var pair []string
			_ = json.Unmarshal(one.Value, &pair)
			seen[one.Key+"\x00"+pair[0]] = true
		}
	}
	history := []porcupine.Operation{}
	for _, one := range lines {
		in := input{op: one.Op, key: one.Key, value: text(one.Value)}
		if one.Op == "cas" {
			var pair []*string
			_ = json.Unmarshal(one.Value, &pair)
			if pair[0] != nil {
				in.expected = *pair[0]
			}
			in.value = *pair[1]
		}
		out := output{value: text(one.Value), unknown: one.Return == nil}
		if out.unknown && one.Op != "delete" && !seen[one.Key+"\x00"+in.value] {
			continue
		}
		end := latest + 1
		if one.Return != nil {
			end = *one.Return
		}
		history = append(history, porcupine.Operation{ClientId: one.Client, Input: in, Call: one.Call, Output: out, Return: end})
	}
	return history
}

func main() {
	seconds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, file := range os.Args[2:] {
		history := read(file)
		start := time.Now()
		verdict := porcupine.CheckOperationsTimeout(model, history, time.Duration(seconds)*time.Second)
		fmt.Printf("%s %.3f\n", verdict, float64(time.Since(start).Microseconds())/1000)
	}
}
