# A field more in each, with a number that no version of ours has taken.
# From the gateway to the conversation, and back.
s/^\( *\)public ActivityContext Trace { get; init; }/&\n\n\1[Id(100)] public string Next { get; init; } = "next";/
s/\(record TurnEvent(.*\));/\1) { [Id(100)] public string Next { get; init; } = "next"; }/
# From the conversation to the device, and back.
s/^\( *\)\[Id(0)\] public string Name;/&\n\1[Id(100)] public string? Next;/
s/Name = value\.Id,/& Next = "next",/
s/^\( *\)public static readonly Step Empty/\1[Id(100)] public string? Next { get; init; } = "next";\n\n&/
# What an activation leaves to the next one.
s/^\( *\)public Prefix? Prefix =>/\1[Id(100)] public string Next { get; set; } = "next";\n\n&/
