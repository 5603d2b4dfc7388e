using Microsoft.Extensions.Compliance.Classification;

namespace R1Grains.Operations;

/// <summary>What a parameter of a log message can hold. A text that does not say which of these it is does not compile into a log that a test lets pass.</summary>
internal static class LogData
{
    private const string Taxonomy = "R1Grains";

    /// <summary>Names something of the house: a tenant, a method, a file. Written as it is.</summary>
    public static DataClassification Name { get; } = new(Taxonomy, nameof(Name));

    /// <summary>The house's own sentence about what went wrong, which quotes nobody. Written as it is.</summary>
    public static DataClassification Told { get; } = new(Taxonomy, nameof(Told));

    /// <summary>Tells who somebody is. A keyed hash is written: the same for the same person, and nothing else of them.</summary>
    public static DataClassification Person { get; } = new(Taxonomy, nameof(Person));
}

/// <inheritdoc cref="LogData.Name"/>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class NameDataAttribute() : DataClassificationAttribute(LogData.Name);

/// <inheritdoc cref="LogData.Told"/>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class ToldDataAttribute() : DataClassificationAttribute(LogData.Told);

/// <inheritdoc cref="LogData.Person"/>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class PersonDataAttribute() : DataClassificationAttribute(LogData.Person);
