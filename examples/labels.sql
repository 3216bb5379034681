select sentiment, count(*) as reviews, avg(stars) as stars, sum(_cost_usd) as dollars
from 'labels.csv'
where _error_code is null
group by sentiment
order by sentiment
