namespace R1Grains.Tuning.Corpora;

/// <summary>Invented product names: a stem of free words, then type words. Names of one family share the stem and are easy to confuse.</summary>
internal sealed class ProductNames(bool zh)
{
    private const string Characters =
        "星辰云海山川江河湖泊溪泉岭峰岩石金银铜玉珠翠琥珀碧青蓝紫红橙黄绿白黑墨丹朱彩虹霞光明亮晨曦朝阳夕月夜霜雪雨露风雷电雾冰晴暖春夏秋冬"
        + "松柏竹梅兰菊莲荷桂枫柳杨桐桃杏梨枣橘柚茶麦稻谷禾苗草花叶林森木根枝果蜜香甘甜清新雅致静宁安康泰和平顺利吉祥福禄寿喜乐欢悦怡然悠"
        + "龙凤鹤鹿马牛羊虎鹰燕雁鸿鹏鲸鲤鱼蝶蜂蚕象狮豹兔雀鸥鹭帆舟航船桥塔楼阁亭台园城郡州港湾岛洲原野田源渡津驿道途程远高大广阔深长久恒永"
        + "信诚义仁智礼德善美真志勤勇毅坚实厚重丰盈盛富裕隆昌兴旺达通畅捷速飞腾跃升起启创开拓进步前先锋领航博学知慧思源聚汇集合同联众共享分融"
        + "贝壳沙滩潮汐浪波涛潭瀑涧谷丘陵峡坡崖洞壁砂泥陶瓷锦绣绫罗丝绸棉麻织绘画诗书琴棋歌舞笛鼓钟铃灯烛火炉焰炬辉耀煌灿烁曜晖旭昊晟宸瑞"
        + "瑾瑜琪琳璇璟琛玲珑珊瑚玛钰铭锐钧铎镜鑫鼎尊爵冠冕桓柯栋梁栖榕槐樱棠椿楠檀芙蓉芳芷茗莹蓓蕾薇蔚蓝芸苏茂荣萃蓬葵";

    private const string ZhTypes =
        "信用卡,金卡,白金卡,钻石卡,普卡,联名卡,借记卡,储蓄卡,贷记卡,购物卡,车主卡,旅行卡,学生卡,商务卡,公务卡,定期存款,活期存款,大额存单,通知存款,"
        + "零存整取,储蓄账户,结算账户,外币账户,养老账户,工资账户,理财,理财产品,稳健理财,日日盈,债券基金,混合基金,货币基金,指数基金,车贷,房贷,消费贷,"
        + "经营贷,装修贷,助学贷,信用贷,抵押贷,组合贷,农户贷,旅游贷,教育金,年金险,医疗险,意外险,贵金属,积存金,保险箱,钱包,收款码,汇款,票据,保函,信托,租赁";

    private const string ZhGrades = "尊享,青年,优享,企业,商务,校园,家庭,小微,标准,升级,极速,臻享,乐活,无忧,双币,数字,经典,普惠";

    private const string Words =
        "Cedar,Harbor,Willow,Amber,Summit,River,Maple,Falcon,Granite,Meadow,Orchard,Beacon,Copper,Silver,Golden,Crimson,Azure,Coral,Ivory,Jade,Onyx,Opal,Pearl,"
        + "Ruby,Sapphire,Topaz,Emerald,Crystal,Cobalt,Indigo,Violet,Scarlet,Hazel,Birch,Aspen,Elm,Oak,Pine,Spruce,Laurel,Juniper,Clover,Fern,Heather,Lotus,Lily,"
        + "Iris,Daisy,Poppy,Rose,Thistle,Bamboo,Olive,Lemon,Mango,Berry,Cherry,Apple,Walnut,Almond,Honey,Ginger,Saffron,Pepper,Basil,Mint,Sage,Barley,Wheat,Harvest,"
        + "Prairie,Canyon,Valley,Ridge,Peak,Mesa,Delta,Lagoon,Bay,Cove,Coast,Shore,Island,Ocean,Tide,Wave,Brook,Creek,Spring,Falls,Lake,Pond,Marsh,Forest,Grove,"
        + "Garden,Field,Glen,Hill,Stone,Marble,Slate,Pebble,Quartz,Flint,Iron,Steel,Bronze,Brass,Nickel,Zinc,Sun,Moon,Star,Comet,Nova,Orbit,Galaxy,Nebula,Aurora,"
        + "Dawn,Dusk,Twilight,Midnight,Noon,Winter,Summer,Autumn,Season,Breeze,Gale,Storm,Thunder,Rain,Snow,Frost,Mist,Cloud,Sky,Horizon,Eagle,Hawk,Heron,Swan,Robin,"
        + "Raven,Sparrow,Swallow,Finch,Crane,Dove,Otter,Beaver,Badger,Fox,Wolf,Bear,Stag,Elk,Bison,Tiger,Lion,Panther,Lynx,Dolphin,Whale,Salmon,Turtle,Bridge,Tower,"
        + "Castle,Anchor,Compass,Lantern,Mirror,Arrow,Shield,Crown,Banner,Sail,Voyage,Journey,Pilot,Pioneer,Ranger,Scout,Captain,Merchant,Mason,Weaver,Baker,Miller,"
        + "Farmer,Scholar,Prime,First,Royal,Noble,Grand,Bright,Clear,Swift,Steady,Simple,Smart,Easy,True,Loyal,Gentle,Brave,Quiet,Happy,Lucky,Sunny,Fresh,Green,Blue,"
        + "White,Red,North,South,East,West,Central,Metro,Urban,Village,Civic,Union,Unity,Trust,Hope,Grace,Honor,Liberty,Victory,Fortune,Wonder,Dream,Echo,Pulse,Spark,"
        + "Flame,Ember,Torch,Candle,Vector,Matrix,Prism,Cipher,Vertex,Zenith,Apex,Atlas,Titan,Orion,Phoenix,Vega,Luna,Terra,Aqua,Solar,Polar,Arctic,Alpine,Pacific,"
        + "Atlantic,Baltic,Nordic,Saturn,Jupiter,Mercury,Neptune,Venus";

    private const string Onsets = "b,br,c,cl,d,dr,f,fl,g,gr,h,j,k,kr,l,m,n,p,pl,qu,r,s,sh,st,t,tr,v,w,y,z";
    private const string Nuclei = "a,e,i,o,u,ai,ea,io,oa";
    private const string Codas = "n,r,l,s,x,m,t,nd,rk,va,ra,la,na,do,mo,ni,ta,vo,ri,lo,sa,zo";

    private const string EnTypes =
        "Card,Gold Card,Platinum Card,Diamond Card,Classic Card,Credit Card,Debit Card,Travel Card,Student Card,Business Card,Shopping Card,Savings Account,"
        + "Current Account,Salary Account,Term Deposit,Fixed Deposit,Notice Deposit,Call Deposit,Certificate,Wealth Plan,Income Fund,Bond Fund,Index Fund,Money Fund,"
        + "Balanced Fund,Car Loan,Home Loan,Mortgage,Personal Loan,Student Loan,Business Loan,Renovation Loan,Credit Line,Pension Plan,Annuity,Health Cover,Travel Cover,"
        + "Gold Plan,Wallet,Payment Code,Safe Box,Remittance,Trust Plan,Lease";

    private const string EnGrades = "Plus,Premium,Select,Youth,Family,Junior,Senior,Express,Digital,Standard,Flex,Campus,Corporate,Starter,Signature";

    private static readonly string[] ZhTypeList = ZhTypes.Split(','), ZhGradeList = ZhGrades.Split(','), WordList = Words.Split(','),
        OnsetList = Onsets.Split(','), NucleusList = Nuclei.Split(','), CodaList = Codas.Split(','), EnTypeList = EnTypes.Split(','), EnGradeList = EnGrades.Split(',');

    /// <summary>Number of distinct names, in the order they will be met; with <paramref name="alike"/> they share most of their words.</summary>
    public List<string> Next(Dice dice, int count, bool alike, Split split)
    {
        var names = new List<string>(count);
        var stem = Stem(dice, split);
        while (names.Count < count)
        {
            if (!alike) stem = Stem(dice, split);
            else if (dice.Chance(25)) stem = Near(dice, stem, split);
            var name = Typed(dice, stem);
            if (split == Split.Train && Reserve.OfName(name) == Split.HeldOut) continue;
            if (!names.Exists(n => n.Contains(name) || name.Contains(n))) names.Add(name);
        }

        return names;
    }

    private string Stem(Dice dice, Split split)
    {
        while (true)
        {
            var stem = zh
                ? string.Concat(Enumerable.Range(0, dice.Chance(80) ? 2 : 3).Select(_ => Characters[dice.Below(Characters.Length)]))
                : dice.Below(10) switch
                {
                    < 4 => dice.Pick(WordList) + ' ' + dice.Pick(WordList),
                    < 6 => dice.Pick(WordList) + dice.Pick(WordList).ToLowerInvariant(),
                    < 8 => Invented(dice),
                    _ => Invented(dice) + ' ' + dice.Pick(WordList),
                };
            if (Side(stem) == split) return stem;
        }
    }

    /// <summary>A stem that differs in its last character or word.</summary>
    private string Near(Dice dice, string stem, Split split)
    {
        while (true)
        {
            var near = zh ? stem[..^1] + Characters[dice.Below(Characters.Length)]
                : stem.IndexOf(' ') is > 0 and var cut ? stem[..(cut + 1)] + dice.Pick(WordList)
                : Stem(dice, split);
            if (Side(near) == split) return near;
        }
    }

    /// <summary>In Chinese the first two characters decide: a third one may read as the start of the type (白 + 金卡).</summary>
    private Split Side(string stem) => Reserve.OfStem(zh ? stem[..2] : stem);

    private string Typed(Dice dice, string stem) => zh
        ? stem + (dice.Chance(20) ? dice.Pick(ZhGradeList) : "") + dice.Pick(ZhTypeList)
        : stem + (dice.Chance(20) ? ' ' + dice.Pick(EnGradeList) : "") + ' ' + dice.Pick(EnTypeList);

    private static string Invented(Dice dice) =>
        Frame.Capital(dice.Pick(OnsetList) + dice.Pick(NucleusList) + (dice.Chance(50) ? dice.Pick(OnsetList) + dice.Pick(NucleusList) : "") + dice.Pick(CodaList));
}
