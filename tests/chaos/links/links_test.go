package links

import (
	"io"
	"net"
	"testing"
	"time"
)

// pairOf gives a proxy between two nodes, of which node 1 sends back what it gets.
func pairOf(t *testing.T) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			one, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { defer one.Close(); _, _ = io.Copy(one, one) }()
		}
	}()
	proxy, err := New([]string{"127.0.0.1:1", listener.Addr().String()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close(); listener.Close() })
	return proxy
}

func dial(t *testing.T, proxy *Proxy) net.Conn {
	t.Helper()
	one, err := net.Dial("tcp", proxy.Address(0, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { one.Close() })
	return one
}

// echo sends the word and gives the error of reading it back within the time.
func echo(one net.Conn, word string, within time.Duration) (time.Duration, error) {
	start := time.Now()
	_ = one.SetDeadline(start.Add(within))
	if _, err := one.Write([]byte(word)); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(one, make([]byte, len(word)))
	return time.Since(start), err
}

func timedOut(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

func TestBytesPassWhenThereIsNoRule(t *testing.T) {
	if _, err := echo(dial(t, pairOf(t)), "hello", 5*time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestADelayHoldsEachDirectionAlone(t *testing.T) {
	proxy := pairOf(t)
	one := dial(t, proxy)
	proxy.Set(1, 0, Rule{Delay: 80 * time.Millisecond})
	if took, err := echo(one, "hello", 5*time.Second); err != nil || took < 80*time.Millisecond {
		t.Fatalf("%v, %v", took, err)
	}
}

func TestAStalledDirectionHoldsTheBytesAndGoesOnOrBreaksAfterwards(t *testing.T) {
	proxy := pairOf(t)
	proxy.Set(1, 0, Rule{})
	went, broke := 0, 0
	for went == 0 || broke == 0 {
		if went+broke > 200 {
			t.Fatalf("%d went on, %d broke", went, broke)
		}
		one := dial(t, proxy)
		if _, err := echo(one, "first", 5*time.Second); err != nil {
			t.Fatal(err)
		}
		proxy.Set(1, 0, Rule{Stall: true})
		if _, err := echo(one, "held", 20*time.Millisecond); !timedOut(err) {
			t.Fatalf("it passed a stalled link: %v", err)
		}
		proxy.Heal()
		_ = one.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.ReadFull(one, make([]byte, 4)); err == nil {
			went++
		} else if !timedOut(err) {
			broke++
		} else {
			t.Fatal("neither went on nor broke")
		}
		one.Close()
	}
}

func TestANewConnectionOverAStalledLinkIsAcceptedAndHearsNothing(t *testing.T) {
	proxy := pairOf(t)
	proxy.Set(1, 0, Rule{Stall: true})
	if _, err := echo(dial(t, proxy), "hello", 50*time.Millisecond); !timedOut(err) {
		t.Fatal(err)
	}
}

func TestWhatIsSwallowedNeverComesAndTheConnectionBreaksAfterwards(t *testing.T) {
	proxy := pairOf(t)
	one := dial(t, proxy)
	if _, err := echo(one, "first", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	proxy.Set(0, 1, Rule{Swallow: true})
	if _, err := echo(one, "gone", 50*time.Millisecond); !timedOut(err) {
		t.Fatal(err)
	}
	proxy.Heal()
	if _, err := echo(one, "more", 5*time.Second); err == nil || timedOut(err) {
		t.Fatalf("it went on: %v", err)
	}
}

func TestAConnectionIsCutInTheMiddleOfAMessage(t *testing.T) {
	proxy := pairOf(t)
	one := dial(t, proxy)
	if _, err := echo(one, "first", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	proxy.CutAfter(1, 0, 3)
	_ = one.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := one.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	// A reset may overtake the three bytes: at most those come.
	if got, err := io.ReadAll(one); len(got) > 3 || timedOut(err) {
		t.Fatalf("'%s', %v", got, err)
	}
	if _, err := echo(dial(t, proxy), "again", 5*time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestAResetBreaksWhatIsOpenAndNothingElse(t *testing.T) {
	proxy := pairOf(t)
	one := dial(t, proxy)
	if _, err := echo(one, "first", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if count := proxy.Reset(0, 1); count != 1 {
		t.Fatalf("%d connections", count)
	}
	if _, err := echo(one, "more", 5*time.Second); err == nil {
		t.Fatal("it lives")
	}
	if _, err := echo(dial(t, proxy), "again", 5*time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestARateBoundsTheBytesOfASecond(t *testing.T) {
	proxy := pairOf(t)
	one := dial(t, proxy)
	proxy.Set(0, 1, Rule{Rate: 1 << 20})
	if took, err := echo(one, string(make([]byte, 100<<10)), 5*time.Second); err != nil || took < 60*time.Millisecond {
		t.Fatalf("%v, %v", took, err)
	}
}
