package main

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// judgeLists says why a history of lists cannot be explained; nothing when it can. Each item is unique, so the longest read of a key tells the order
// of all that took effect, and what is left to check needs no search: every read is a beginning of it, and nothing comes before what had
// returned when it was called. (A search would take for ever where many appends are open at once.)
func judgeLists(records []Record) []string {
	byKey := map[string][]Record{}
	for _, record := range records {
		if record.Status == ok || record.Status == unknown && record.Op == "append" {
			byKey[record.Key] = append(byKey[record.Key], record)
		}
	}
	var wrong []string
	for key, operations := range byKey {
		for _, found := range judgeList(operations) {
			wrong = append(wrong, fmt.Sprintf("list %s: %s", key, found))
		}
	}
	return wrong
}

// placed is an operation with its place in the one order: 2n-1 is the append of item n, 2n a read of n items.
type placed struct {
	Record
	at int
}

func judgeList(operations []Record) (wrong []string) {
	whole := ""
	for _, one := range operations {
		if one.Op == "get" && len(text(one.Result)) > len(whole) {
			whole = *one.Result
		}
	}
	place := map[string]int{}
	for n, item := range strings.SplitAfter(whole, ",") {
		if place[item] != 0 {
			wrong = append(wrong, fmt.Sprintf("the item '%s' is there twice", item))
		}
		place[item] = n + 1
	}
	var order []placed
	for _, one := range operations {
		switch {
		case one.Op == "get" && !strings.HasPrefix(whole, text(one.Result)):
			wrong = append(wrong, fmt.Sprintf("the read of client %d at %d is no beginning of the longest one: '%s'", one.Client, one.Call, *one.Result))
		case one.Op == "get":
			order = append(order, placed{one, 2 * strings.Count(text(one.Result), ",")})
		case place[*one.Value] != 0:
			order = append(order, placed{one, 2*place[*one.Value] - 1})
		case one.Status == ok:
			order = append(order, placed{one, 2*len(place) + 1}) // behind all that was read: wrong if a read was called later
		}
	}
	return append(wrong, outOfTime(order)...)
}

func text(of *string) string {
	if of == nil {
		return ""
	}
	return *of
}

func returned(one placed) int64 {
	if one.Status == unknown {
		return math.MaxInt64
	}
	return one.Return
}

// outOfTime finds an operation that stands before one that had returned when it was called.
func outOfTime(order []placed) (wrong []string) {
	byReturn := append([]placed(nil), order...)
	sort.SliceStable(byReturn, func(i, j int) bool { return returned(byReturn[i]) < returned(byReturn[j]) })
	sort.SliceStable(order, func(i, j int) bool { return order[i].Call < order[j].Call })
	var last *placed // of those that had returned, the one that stands last
	next := 0
	for _, one := range order {
		for ; next < len(byReturn) && returned(byReturn[next]) < one.Call; next++ {
			if last == nil || byReturn[next].at > last.at {
				last = &byReturn[next]
			}
		}
		if last != nil && one.at < last.at {
			wrong = append(wrong, fmt.Sprintf("%s of client %d at %d stands before %s of client %d, which had returned at %d", one.Op, one.Client, one.Call,
				last.Op, last.Client, last.Return))
		}
	}
	return wrong
}
