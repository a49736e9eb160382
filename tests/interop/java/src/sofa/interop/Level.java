package sofa.interop;

public enum Level { BRONZE, SILVER, GOLD }
