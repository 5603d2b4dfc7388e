using R1Grains;
using R1Grains.Access;
using R1Grains.Operations;

return await StartFailure.Told(async () =>
{
    if (args is ["dev-token", .. var options])
        Console.WriteLine(DevelopmentToken.Issue(options, Settings.From(R1Host.Builder(options).Configuration), TimeProvider.System));
    else
        await R1Host.Run(args);
});
