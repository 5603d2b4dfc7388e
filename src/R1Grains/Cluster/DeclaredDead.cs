using Orleans.Runtime;

namespace R1Grains.Cluster;

/// <summary>
/// Ends the process of a silo that learns that the others have declared it dead, at once: it was frozen or cut off for too
/// long, its conversations and its device's replies are elsewhere by now, and whatever it still did would be too late.
/// </summary>
internal sealed class DeclaredDead(Settings settings, IHostApplicationLifetime process) : IFatalErrorHandler
{
    /// <summary>EX_TEMPFAIL of sysexits.h: starting it again is all there is to do.</summary>
    public const int ExitCode = 75;

    /// <summary>To whoever cannot join.</summary>
    public const string Advice = "Check the network between the silos' ports, and that either all silos of R1__Cluster have certificates of one authority (R1__Silo__Certificate) or none has.";

    public bool IsUnexpected(Exception exception) => true;

    public void OnFatalException(object? sender, string? context, Exception? exception)
    {
        // With an exception it is something else, which nobody foresaw.
        if (exception is not null) Environment.FailFast($"{sender}: {context}", exception);
        if (!process.ApplicationStarted.IsCancellationRequested)
        {
            Console.Error.WriteLine($"The silos of cluster '{settings.Cluster}' do not reach the silo {settings.SiloName} at R1__Silo__Listen. {Advice}");
            Environment.Exit(1);
        }
        Console.Error.WriteLine($"The cluster has declared the silo {settings.SiloName} dead, because it was not heard of for too long ({context?.TrimEnd('!', '.')}). It ends with exit code {ExitCode}: start it again.");
        Environment.Exit(ExitCode);
    }
}
