package com.acme;

/** The interface of README.md. */
public interface Hello {
    String hello(String name);
}
